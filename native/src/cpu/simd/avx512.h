// Sixteen floats at a time, AVX-512 F, BW, DQ and VL. Included inside a level's anonymous namespace.

constexpr int kLanes = 16;
using Vec = __m512;
using Int = __m512i;
using Mask = __mmask16;

// Rows of a product tile, by the panel's vectors: its sums fill most of the 32 registers.
constexpr int kTileRows[3] = {16, 8, 8};
// A tile of rows in lanes (cpu/lane_tiles.inl): its sums, the rows and a column fill the 32 registers.
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 14;

static inline Vec Set(float x) { return _mm512_set1_ps(x); }
static inline Vec Load(const float* p) { return _mm512_loadu_ps(p); }
static inline void Store(float* p, Vec x) { _mm512_storeu_ps(p, x); }
static inline Vec Add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
static inline Vec Sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
static inline Vec Mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
static inline Vec Div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
static inline Vec MulAdd(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline Vec Min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
static inline Vec Max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
static inline Vec Sqrt(Vec a) { return _mm512_sqrt_ps(a); }
static inline Mask Greater(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
static inline Mask Equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline Mask AtLeast(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
static inline Mask MaskOf(unsigned bits) { return static_cast<Mask>(bits); }
static inline Mask And(Mask a, Mask b) { return static_cast<Mask>(a & b); }
static inline Mask Or(Mask a, Mask b) { return static_cast<Mask>(a | b); }
static inline Mask None() { return 0; }
static inline unsigned Bits(Mask m) { return m; }
static inline Vec Select(Mask m, Vec a, Vec b) { return _mm512_mask_blend_ps(m, b, a); }
static inline Int SetInt(int32_t x) { return _mm512_set1_epi32(x); }
static inline Int SelectInt(Mask m, Int a, Int b) { return _mm512_mask_blend_epi32(m, b, a); }
static inline Mask EqualInt(Int a, Int b) { return _mm512_cmpeq_epi32_mask(a, b); }
static inline void StoreInt(int32_t* p, Int x) { _mm512_storeu_si512(p, x); }
static inline Int LoadInt(const int32_t* p) { return _mm512_loadu_si512(p); }
static inline Vec Round(Vec x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline Vec PowerOfTwo(Vec n) {
  const __m512i biased = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(biased, 23));
}
static inline Vec Mantissa(Vec x, Vec* exponent) {
  const __m512i bits = _mm512_castps_si512(x);
  *exponent = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_srli_epi32(bits, 23), _mm512_set1_epi32(126)));
  const __m512i fraction = _mm512_and_si512(bits, _mm512_set1_epi32(0x007fffff));
  return _mm512_castsi512_ps(_mm512_or_si512(fraction, _mm512_set1_epi32(0x3f000000)));
}
// Doubles, for products in one order (cpu/double_product.inl): rows and vectors of a register tile.
constexpr int kDoubleLanes = 8;
constexpr int kDoubleRows = 8;
constexpr int kDoubleVectors = 3;
using DoubleVec = __m512d;
static inline DoubleVec SetDouble(double x) { return _mm512_set1_pd(x); }
static inline DoubleVec LoadDouble(const double* p) { return _mm512_loadu_pd(p); }
static inline void StoreDouble(double* p, DoubleVec x) { _mm512_storeu_pd(p, x); }
static inline DoubleVec AddDouble(DoubleVec a, DoubleVec b) { return _mm512_add_pd(a, b); }
static inline DoubleVec MulDouble(DoubleVec a, DoubleVec b) { return _mm512_mul_pd(a, b); }

static inline float SumLanes(Vec x) { return _mm512_reduce_add_ps(x); }
static inline float MinLanes(Vec x) { return _mm512_reduce_min_ps(x); }
// row[c] becomes column c.
static inline void TransposeSquare(Vec* row) {
  // Inside each quarter of 128 bits: 4 x 4, as at level avx2.
  Vec quad[16];
  ALFAMIX_UNROLL
  for (int r = 0; r < 16; r += 4) {
    const Vec low0 = _mm512_unpacklo_ps(row[r], row[r + 1]);
    const Vec high0 = _mm512_unpackhi_ps(row[r], row[r + 1]);
    const Vec low1 = _mm512_unpacklo_ps(row[r + 2], row[r + 3]);
    const Vec high1 = _mm512_unpackhi_ps(row[r + 2], row[r + 3]);
    quad[r] = _mm512_shuffle_ps(low0, low1, 0x44);
    quad[r + 1] = _mm512_shuffle_ps(low0, low1, 0xee);
    quad[r + 2] = _mm512_shuffle_ps(high0, high1, 0x44);
    quad[r + 3] = _mm512_shuffle_ps(high0, high1, 0xee);
  }
  // Then the quarters: quad[4 i + c], quarter q holds column 4 q + c of rows 4 i ... 4 i + 3.
  ALFAMIX_UNROLL
  for (int c = 0; c < 4; ++c) {
    const Vec low01 = _mm512_shuffle_f32x4(quad[c], quad[4 + c], 0x44);
    const Vec high01 = _mm512_shuffle_f32x4(quad[c], quad[4 + c], 0xee);
    const Vec low23 = _mm512_shuffle_f32x4(quad[8 + c], quad[12 + c], 0x44);
    const Vec high23 = _mm512_shuffle_f32x4(quad[8 + c], quad[12 + c], 0xee);
    row[c] = _mm512_shuffle_f32x4(low01, low23, 0x88);
    row[4 + c] = _mm512_shuffle_f32x4(low01, low23, 0xdd);
    row[8 + c] = _mm512_shuffle_f32x4(high01, high23, 0x88);
    row[12 + c] = _mm512_shuffle_f32x4(high01, high23, 0xdd);
  }
}

// The value in the slot of each element, of 16 slots or of kSlots: see cpu/anchor_slots.h.
constexpr int kSlotBits = 5;
static inline Vec SlotValue16(Vec x, uint32_t multiplier, const float* values) {
  const __m512i product =
      _mm512_mullo_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(static_cast<int>(multiplier)));
  return _mm512_permutexvar_ps(_mm512_srli_epi32(product, 28), Load(values));
}
static inline Vec SlotValue(Vec x, uint32_t multiplier, const float* values) {
  const __m512i product =
      _mm512_mullo_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(static_cast<int>(multiplier)));
  return _mm512_permutex2var_ps(Load(values), _mm512_srli_epi32(product, 32 - kSlotBits), Load(values + 16));
}

// Values of other types, kLanes of them, from any address.
#define ALFAMIX_VECTOR_LOADS
static inline Vec LoadHalfs(const char* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
static inline Vec LoadBfloats(const char* p) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
static inline Vec LoadDoubles(const char* p) {
  const __m256 low = _mm512_cvtpd_ps(_mm512_loadu_pd(p));
  const __m256 high = _mm512_cvtpd_ps(_mm512_loadu_pd(p + 64));
  return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}
