// Eight floats at a time, AVX2 and FMA. Included inside a level's anonymous namespace.

constexpr int kLanes = 8;
using Vec = __m256;
using Int = __m256i;
using Mask = __m256;

// Rows of a product tile, by the panel's vectors: its sums fill most of the 16 registers.
constexpr int kTileRows[3] = {8, 4, 4};
// A tile of rows in lanes (cpu/lane_tiles.inl): its sums, the rows and a column fill the 16 registers.
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 6;

static inline Vec Set(float x) { return _mm256_set1_ps(x); }
static inline Vec Load(const float* p) { return _mm256_loadu_ps(p); }
static inline void Store(float* p, Vec x) { _mm256_storeu_ps(p, x); }
static inline Vec Add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
static inline Vec Sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
static inline Vec Mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
static inline Vec Div(Vec a, Vec b) { return _mm256_div_ps(a, b); }
static inline Vec MulAdd(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline Vec Min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
static inline Vec Max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
static inline Vec Sqrt(Vec a) { return _mm256_sqrt_ps(a); }
static inline Mask Greater(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
static inline Mask Equal(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
static inline Mask AtLeast(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
static inline Mask MaskOf(unsigned bits) {
  const __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
  return _mm256_castsi256_ps(
      _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(static_cast<int>(bits)), lane), lane));
}
static inline Mask And(Mask a, Mask b) { return _mm256_and_ps(a, b); }
static inline Mask Or(Mask a, Mask b) { return _mm256_or_ps(a, b); }
static inline Mask None() { return _mm256_setzero_ps(); }
static inline unsigned Bits(Mask m) { return static_cast<unsigned>(_mm256_movemask_ps(m)); }
static inline Vec Select(Mask m, Vec a, Vec b) { return _mm256_blendv_ps(b, a, m); }
static inline Int SetInt(int32_t x) { return _mm256_set1_epi32(x); }
static inline Int SelectInt(Mask m, Int a, Int b) {
  return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(b), _mm256_castsi256_ps(a), m));
}
static inline Mask EqualInt(Int a, Int b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
static inline void StoreInt(int32_t* p, Int x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x); }
static inline Int LoadInt(const int32_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
static inline Vec Round(Vec x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
static inline Vec PowerOfTwo(Vec n) {
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}
static inline Vec Mantissa(Vec x, Vec* exponent) {
  const __m256i bits = _mm256_castps_si256(x);
  *exponent = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(126)));
  const __m256i fraction = _mm256_and_si256(bits, _mm256_set1_epi32(0x007fffff));
  return _mm256_castsi256_ps(_mm256_or_si256(fraction, _mm256_set1_epi32(0x3f000000)));
}
// Doubles, for products in one order (cpu/double_product.inl): rows and vectors of a register tile.
constexpr int kDoubleLanes = 4;
constexpr int kDoubleRows = 4;
constexpr int kDoubleVectors = 2;
using DoubleVec = __m256d;
static inline DoubleVec SetDouble(double x) { return _mm256_set1_pd(x); }
static inline DoubleVec LoadDouble(const double* p) { return _mm256_loadu_pd(p); }
static inline void StoreDouble(double* p, DoubleVec x) { _mm256_storeu_pd(p, x); }
static inline DoubleVec AddDouble(DoubleVec a, DoubleVec b) { return _mm256_add_pd(a, b); }
static inline DoubleVec MulDouble(DoubleVec a, DoubleVec b) { return _mm256_mul_pd(a, b); }

static inline float SumLanes(Vec x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static inline float MinLanes(Vec x) {
  __m128 s = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_min_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_min_ss(s, _mm_movehdup_ps(s)));
}
// row[c] becomes column c.
static inline void TransposeSquare(Vec* row) {
  Vec pair[8];
  ALFAMIX_UNROLL
  for (int r = 0; r < 8; r += 2) {
    pair[r] = _mm256_unpacklo_ps(row[r], row[r + 1]);
    pair[r + 1] = _mm256_unpackhi_ps(row[r], row[r + 1]);
  }
  Vec quad[8];
  ALFAMIX_UNROLL
  for (int r = 0; r < 8; r += 4) {
    quad[r] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0x44);
    quad[r + 1] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0xee);
    quad[r + 2] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0x44);
    quad[r + 3] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0xee);
  }
  ALFAMIX_UNROLL
  for (int c = 0; c < 4; ++c) {
    row[c] = _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x20);
    row[c + 4] = _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x31);
  }
}

// The value in the slot of each element, of 16 slots or of kSlots: see cpu/anchor_slots.h.
constexpr int kSlotBits = 4;
static inline Vec SlotValue16(Vec x, uint32_t multiplier, const float* values) {
  const __m256i product =
      _mm256_mullo_epi32(_mm256_castps_si256(x), _mm256_set1_epi32(static_cast<int>(multiplier)));
  // The product's first bit chooses the half, the next three the place in it.
  const __m256i slot = _mm256_srli_epi32(product, 32 - kSlotBits);
  return _mm256_blendv_ps(_mm256_permutevar8x32_ps(Load(values), slot),
                          _mm256_permutevar8x32_ps(Load(values + 8), slot), _mm256_castsi256_ps(product));
}
static inline Vec SlotValue(Vec x, uint32_t multiplier, const float* values) {
  return SlotValue16(x, multiplier, values);
}

// Values of other types, kLanes of them, from any address.
#define ALFAMIX_VECTOR_LOADS
static inline Vec LoadHalfs(const char* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
static inline Vec LoadBfloats(const char* p) {
  const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}
static inline Vec LoadDoubles(const char* p) {
  const __m128 low = _mm256_cvtpd_ps(_mm256_loadu_pd(reinterpret_cast<const double*>(p)));
  const __m128 high = _mm256_cvtpd_ps(_mm256_loadu_pd(reinterpret_cast<const double*>(p + 32)));
  return _mm256_insertf128_ps(_mm256_castps128_ps256(low), high, 1);
}
