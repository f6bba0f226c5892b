// Eight floats at a time, AVX2 and FMA. Included inside a level's anonymous namespace.

constexpr int kLanes = 8;
using Vec = __m256;
using Int = __m256i;
using Mask = __m256;

// Rows of a product tile, by the panel's vectors: its sums fill most of the 16 registers.
constexpr int kTileRows[3] = {8, 4, 4};

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
static inline void Transpose(const float* src, size_t stride, float* dst) {
  Vec row[8];
  for (int r = 0; r < 8; ++r) row[r] = Load(src + r * stride);
  Vec pair[8];
  for (int r = 0; r < 8; r += 2) {
    pair[r] = _mm256_unpacklo_ps(row[r], row[r + 1]);
    pair[r + 1] = _mm256_unpackhi_ps(row[r], row[r + 1]);
  }
  Vec quad[8];
  for (int r = 0; r < 8; r += 4) {
    quad[r] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0x44);
    quad[r + 1] = _mm256_shuffle_ps(pair[r], pair[r + 2], 0xee);
    quad[r + 2] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0x44);
    quad[r + 3] = _mm256_shuffle_ps(pair[r + 1], pair[r + 3], 0xee);
  }
  for (int c = 0; c < 4; ++c) {
    Store(dst + c * 8, _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x20));
    Store(dst + (c + 4) * 8, _mm256_permute2f128_ps(quad[c], quad[c + 4], 0x31));
  }
}

// A screen tells, for kScreenFloats values at once and never missing one, which may equal another: 16 bits of
// each value, its two halves folded together (quantised values have a low half of zeros), -0 made 0 first.
// Half the comparisons of whole floats; a false alarm every 65,536.
constexpr int kScreenFloats = 16;
using Screen = __m256i;
using ScreenHits = __m256i;
static inline __m256i FoldHalves(Vec x) {
  const __m256i bits = _mm256_castps_si256(_mm256_add_ps(x, _mm256_setzero_ps()));
  return _mm256_xor_si256(bits, _mm256_srli_epi32(bits, 16));
}
static inline Screen MakeScreen(const float* p) {
  return _mm256_blend_epi16(FoldHalves(Load(p)), _mm256_slli_epi32(FoldHalves(Load(p + 8)), 16), 0xaa);
}
static inline Screen LoadScreen(const Screen* p) { return _mm256_loadu_si256(p); }
static inline void StoreScreen(Screen* p, Screen x) { _mm256_storeu_si256(p, x); }
static inline ScreenHits NoHits() { return _mm256_setzero_si256(); }
static inline ScreenHits AddHits(ScreenHits hits, Screen a, Screen b) {
  return _mm256_or_si256(hits, _mm256_cmpeq_epi16(a, b));
}
static inline bool AnyHit(ScreenHits a, ScreenHits b) {
  const __m256i hits = _mm256_or_si256(a, b);
  return _mm256_testz_si256(hits, hits) == 0;
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
