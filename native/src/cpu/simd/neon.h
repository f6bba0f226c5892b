// Four floats at a time, Advanced SIMD of 64-bit Arm. Included inside a level's anonymous namespace.

constexpr int kLanes = 4;
using Vec = float32x4_t;
using Int = int32x4_t;
using Mask = uint32x4_t;

// Rows of a product tile, by the panel's vectors: its sums fill most of the 32 registers.
constexpr int kTileRows[3] = {16, 8, 8};
// A tile of rows in lanes (cpu/lane_tiles.inl): its sums, the rows and a column fill the 32 registers.
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 14;

static inline Vec Set(float x) { return vdupq_n_f32(x); }
static inline Vec Load(const float* p) { return vld1q_f32(p); }
static inline void Store(float* p, Vec x) { vst1q_f32(p, x); }
static inline Vec Add(Vec a, Vec b) { return vaddq_f32(a, b); }
static inline Vec Sub(Vec a, Vec b) { return vsubq_f32(a, b); }
static inline Vec Mul(Vec a, Vec b) { return vmulq_f32(a, b); }
static inline Vec Div(Vec a, Vec b) { return vdivq_f32(a, b); }
static inline Vec MulAdd(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
// By comparison, as on the other levels: vminq and vmaxq give NaN where either side is one.
static inline Vec Min(Vec a, Vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
static inline Vec Max(Vec a, Vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
static inline Vec Sqrt(Vec a) { return vsqrtq_f32(a); }
static inline Mask Greater(Vec a, Vec b) { return vcgtq_f32(a, b); }
static inline Mask Equal(Vec a, Vec b) { return vceqq_f32(a, b); }
static inline Mask AtLeast(Vec a, Vec b) { return vcgeq_f32(a, b); }
static inline Mask MaskOf(unsigned bits) {
  const uint32x4_t lane = {1, 2, 4, 8};
  return vtstq_u32(vdupq_n_u32(bits), lane);
}
static inline Mask And(Mask a, Mask b) { return vandq_u32(a, b); }
static inline Mask Or(Mask a, Mask b) { return vorrq_u32(a, b); }
static inline Mask None() { return vdupq_n_u32(0); }
static inline unsigned Bits(Mask m) {
  const uint32x4_t weights = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(m, weights));
}
static inline Vec Select(Mask m, Vec a, Vec b) { return vbslq_f32(m, a, b); }
static inline Int SetInt(int32_t x) { return vdupq_n_s32(x); }
static inline Int SelectInt(Mask m, Int a, Int b) { return vbslq_s32(m, a, b); }
static inline Mask EqualInt(Int a, Int b) { return vceqq_s32(a, b); }
static inline void StoreInt(int32_t* p, Int x) { vst1q_s32(p, x); }
static inline Int LoadInt(const int32_t* p) { return vld1q_s32(p); }
static inline Vec Round(Vec x) { return vrndnq_f32(x); }
static inline Vec PowerOfTwo(Vec n) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23));
}
static inline Vec Mantissa(Vec x, Vec* exponent) {
  const int32x4_t bits = vreinterpretq_s32_f32(x);
  *exponent = vcvtq_f32_s32(vsubq_s32(vshrq_n_s32(bits, 23), vdupq_n_s32(126)));
  const int32x4_t fraction = vandq_s32(bits, vdupq_n_s32(0x007fffff));
  return vreinterpretq_f32_s32(vorrq_s32(fraction, vdupq_n_s32(0x3f000000)));
}
// Doubles, for products in one order (cpu/double_product.inl): rows and vectors of a register tile.
constexpr int kDoubleLanes = 2;
constexpr int kDoubleRows = 4;
constexpr int kDoubleVectors = 4;
using DoubleVec = float64x2_t;
static inline DoubleVec SetDouble(double x) { return vdupq_n_f64(x); }
static inline DoubleVec LoadDouble(const double* p) { return vld1q_f64(p); }
static inline void StoreDouble(double* p, DoubleVec x) { vst1q_f64(p, x); }
static inline DoubleVec AddDouble(DoubleVec a, DoubleVec b) { return vaddq_f64(a, b); }
static inline DoubleVec MulDouble(DoubleVec a, DoubleVec b) { return vmulq_f64(a, b); }

static inline float SumLanes(Vec x) { return vaddvq_f32(x); }
static inline float MinLanes(Vec x) { return vminvq_f32(x); }
// row[c] becomes column c.
static inline void TransposeSquare(Vec* row) {
  const float32x4x2_t low = vtrnq_f32(row[0], row[1]);
  const float32x4x2_t high = vtrnq_f32(row[2], row[3]);
  row[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
  row[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
  row[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
  row[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

// The value in the slot of each element, of 16 slots or of kSlots: see cpu/anchor_slots.h.
constexpr int kSlotBits = 4;
static inline Vec SlotValue16(Vec x, uint32_t multiplier, const float* values) {
  const uint32x4_t slot = vshrq_n_u32(vmulq_n_u32(vreinterpretq_u32_f32(x), multiplier), 32 - kSlotBits);
  // The four bytes of the value in that slot.
  const uint32x4_t bytes = vmlaq_n_u32(vdupq_n_u32(0x03020100), slot, 0x04040404);
  uint8x16x4_t table;
  for (int i = 0; i < 4; ++i) table.val[i] = vreinterpretq_u8_f32(Load(values + 4 * i));
  return vreinterpretq_f32_u8(vqtbl4q_u8(table, vreinterpretq_u8_u32(bytes)));
}
static inline Vec SlotValue(Vec x, uint32_t multiplier, const float* values) {
  return SlotValue16(x, multiplier, values);
}

// Values of other types, kLanes of them, from any address.
#define ALFAMIX_VECTOR_LOADS
static inline uint16x4_t LoadWords(const char* p) {
  return vreinterpret_u16_u8(vld1_u8(reinterpret_cast<const uint8_t*>(p)));
}
static inline Vec LoadHalfs(const char* p) { return vcvt_f32_f16(vreinterpret_f16_u16(LoadWords(p))); }
static inline Vec LoadBfloats(const char* p) { return vreinterpretq_f32_u32(vshll_n_u16(LoadWords(p), 16)); }
static inline Vec LoadDoubles(const char* p) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(p);
  const float32x2_t low = vcvt_f32_f64(vreinterpretq_f64_u8(vld1q_u8(bytes)));
  return vcvt_high_f32_f64(low, vreinterpretq_f64_u8(vld1q_u8(bytes + 16)));
}
