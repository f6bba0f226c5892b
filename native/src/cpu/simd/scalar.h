// One float at a time: what the wider levels are tested against, and what runs where nothing else does.
// Included inside a level's anonymous namespace; C headers are included by the level object before it.

constexpr int kLanes = 1;
using Vec = float;
using Int = int32_t;
using Mask = bool;

// Rows of a product tile, by the panel's vectors.
constexpr int kTileRows[3] = {8, 4, 4};
// A tile of rows in lanes (cpu/lane_tiles.inl).
constexpr int kTileVectors = 4;
constexpr int kTileColumns = 2;

static inline Vec Set(float x) { return x; }
static inline Vec Load(const float* p) { return *p; }
static inline void Store(float* p, Vec x) { *p = x; }
static inline Vec Add(Vec a, Vec b) { return a + b; }
static inline Vec Sub(Vec a, Vec b) { return a - b; }
static inline Vec Mul(Vec a, Vec b) { return a * b; }
static inline Vec Div(Vec a, Vec b) { return a / b; }
static inline Vec MulAdd(Vec a, Vec b, Vec c) { return a * b + c; }
static inline Vec Min(Vec a, Vec b) { return a < b ? a : b; }
static inline Vec Max(Vec a, Vec b) { return a > b ? a : b; }
static inline Vec Sqrt(Vec a) { return sqrtf(a); }
static inline Mask Greater(Vec a, Vec b) { return a > b; }
static inline Mask Equal(Vec a, Vec b) { return a == b; }
static inline Mask AtLeast(Vec a, Vec b) { return a >= b; }
static inline Mask MaskOf(unsigned bits) { return bits != 0; }
static inline Mask And(Mask a, Mask b) { return a && b; }
static inline Mask Or(Mask a, Mask b) { return a || b; }
static inline Mask None() { return false; }
static inline unsigned Bits(Mask m) { return m ? 1u : 0u; }
static inline Vec Select(Mask m, Vec a, Vec b) { return m ? a : b; }
static inline Int SetInt(int32_t x) { return x; }
static inline Int SelectInt(Mask m, Int a, Int b) { return m ? a : b; }
static inline Mask EqualInt(Int a, Int b) { return a == b; }
static inline void StoreInt(int32_t* p, Int x) { *p = x; }
static inline Int LoadInt(const int32_t* p) { return *p; }
static inline Vec Round(Vec x) { return nearbyintf(x); }
// 2^n for a whole n in -126 ... 127.
static inline Vec PowerOfTwo(Vec n) {
  const int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
// x = mantissa * 2^exponent with mantissa in [0.5, 1), for a normal x > 0.
static inline Vec Mantissa(Vec x, Vec* exponent) {
  int32_t bits;
  memcpy(&bits, &x, sizeof bits);
  *exponent = static_cast<float>((bits >> 23) - 126);
  bits = (bits & 0x007fffff) | 0x3f000000;
  memcpy(&x, &bits, sizeof x);
  return x;
}
// Doubles, for products in one order (cpu/double_product.inl): rows and vectors of a register tile.
constexpr int kDoubleLanes = 1;
constexpr int kDoubleRows = 2;
constexpr int kDoubleVectors = 4;
using DoubleVec = double;
static inline DoubleVec SetDouble(double x) { return x; }
static inline DoubleVec LoadDouble(const double* p) { return *p; }
static inline void StoreDouble(double* p, DoubleVec x) { *p = x; }
static inline DoubleVec AddDouble(DoubleVec a, DoubleVec b) { return a + b; }
static inline DoubleVec MulDouble(DoubleVec a, DoubleVec b) { return a * b; }

static inline float SumLanes(Vec x) { return x; }
static inline float MinLanes(Vec x) { return x; }
// row[c] becomes column c of a square of kLanes x kLanes.
static inline void TransposeSquare(Vec*) {}

// The value in the slot of each element, of 16 slots or of kSlots: see cpu/anchor_slots.h.
constexpr int kSlotBits = 4;
static inline Vec SlotValue16(Vec x, uint32_t multiplier, const float* values) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return values[bits * multiplier >> (32 - kSlotBits)];
}
static inline Vec SlotValue(Vec x, uint32_t multiplier, const float* values) {
  return SlotValue16(x, multiplier, values);
}
