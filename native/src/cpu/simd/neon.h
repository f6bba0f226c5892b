// Four floats at a time, Advanced SIMD of 64-bit Arm. Included inside a level's anonymous namespace.

constexpr int kLanes = 4;
using Vec = float32x4_t;
using Int = int32x4_t;
using Mask = uint32x4_t;

// Rows of a product tile, by the panel's vectors: its sums fill most of the 32 registers.
constexpr int kTileRows[3] = {16, 8, 8};

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
static inline void Transpose(const float* src, size_t stride, float* dst) {
  const float32x4x2_t low = vtrnq_f32(Load(src), Load(src + stride));
  const float32x4x2_t high = vtrnq_f32(Load(src + 2 * stride), Load(src + 3 * stride));
  Store(dst, vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0])));
  Store(dst + 4, vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1])));
  Store(dst + 8, vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0])));
  Store(dst + 12, vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1])));
}

// As at level avx2, 8 values at once.
constexpr int kScreenFloats = 8;
using Screen = uint16x8_t;
using ScreenHits = uint16x8_t;
static inline uint16x4_t FoldHalves(Vec x) {
  const uint32x4_t bits = vreinterpretq_u32_f32(vaddq_f32(x, vdupq_n_f32(0.0f)));
  return vmovn_u32(veorq_u32(bits, vshrq_n_u32(bits, 16)));
}
static inline Screen MakeScreen(const float* p) {
  return vcombine_u16(FoldHalves(Load(p)), FoldHalves(Load(p + 4)));
}
static inline Screen LoadScreen(const Screen* p) { return vld1q_u16(reinterpret_cast<const uint16_t*>(p)); }
static inline void StoreScreen(Screen* p, Screen x) { vst1q_u16(reinterpret_cast<uint16_t*>(p), x); }
static inline ScreenHits NoHits() { return vdupq_n_u16(0); }
static inline ScreenHits AddHits(ScreenHits hits, Screen a, Screen b) {
  return vorrq_u16(hits, vceqq_u16(a, b));
}
static inline bool AnyHit(ScreenHits a, ScreenHits b) { return vmaxvq_u16(vorrq_u16(a, b)) != 0; }

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
