// Sums of products of bfloat16 pairs, on top of simd/avx512.h. Included inside a level's anonymous namespace.

#define ALFAMIX_BF16_PRODUCT
using Pairs = __m512i;  // kLanes rows, two dimensions each: the lower one in the low half
static inline Pairs LoadPairs(const char* p) { return _mm512_loadu_si512(p); }
static inline Pairs SetPairs(uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
// sum + a.low * b.low + a.high * b.high; subnormal numbers count as zero.
static inline Vec MulAddPairs(Pairs a, Pairs b, Vec sum) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}
static inline Vec LowOf(Pairs x) { return _mm512_castsi512_ps(_mm512_slli_epi32(x, 16)); }
static inline Vec HighOf(Pairs x) {
  return _mm512_castsi512_ps(_mm512_and_si512(x, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
}
static inline void TransposePairs(Pairs* row) {
  Vec x[kLanes];
  ALFAMIX_UNROLL
  for (int r = 0; r < kLanes; ++r) x[r] = _mm512_castsi512_ps(row[r]);
  TransposeSquare(x);
  ALFAMIX_UNROLL
  for (int r = 0; r < kLanes; ++r) row[r] = _mm512_castps_si512(x[r]);
}
