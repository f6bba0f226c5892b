// cpu/kmeans_bf16.h on AVX-512 with BF16. See cpu/level_table.h for why only C headers are included here.
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/kmeans_bf16.h"

namespace alfamix {
namespace {

constexpr int kTile = 8;
constexpr int kLanes = 16;
// Pairs of dimensions in one chain of multiply-adds.
constexpr uint32_t kChunk = 256;

void PackRows(const PackSource* source, int n, uint32_t dim, uint16_t* out, float* error2) {
  for (int r = 0; r < n; ++r, out += PackedStride(dim)) {
    const float* row = source->rows[r];
    const __m512 scale = _mm512_set1_ps(source->scales == nullptr ? 1.0f : source->scales[r]);
    __m512 error = _mm512_setzero_ps();
    for (uint32_t j = 0; j < dim; j += kLanes) {
      const uint32_t left = dim - j;
      const __mmask16 mask = static_cast<__mmask16>(left < kLanes ? (1u << left) - 1 : 0xffff);
      const __m512 x = _mm512_sub_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(mask, row + j), scale),
                                     _mm512_maskz_loadu_ps(mask, source->shift + j));
      const __m256i rounded = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + j), rounded);
      const __m512 back = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(rounded), 16));
      const __m512 off = _mm512_sub_ps(x, back);
      error = _mm512_fmadd_ps(off, off, error);
    }
    error2[r] = _mm512_reduce_add_ps(error);
  }
}

template <int kRows, int kVectors>
inline void Tile(const uint16_t* rows, size_t stride, const uint32_t* panel, uint32_t pairs, float* out) {
  for (uint32_t start = 0; start < pairs; start += kChunk) {
    const uint32_t end = pairs - start < kChunk ? pairs : start + kChunk;
    __m512 sum[kRows][kVectors];
    ALFAMIX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_setzero_ps();
    }
    for (uint32_t j = start; j < end; ++j) {
      __m512bh column[kVectors];
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v)
        column[v] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel + v * kLanes));
      ALFAMIX_UNROLL
      for (int r = 0; r < kRows; ++r) {
        int pair;
        memcpy(&pair, rows + r * stride + 2 * j, sizeof(pair));
        const __m512bh x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
        ALFAMIX_UNROLL
        for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], x, column[v]);
      }
      panel += kVectors * kLanes;
    }
    ALFAMIX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        float* to = out + r * kBf16Panel + v * kLanes;
        _mm512_storeu_ps(to, start == 0 ? sum[r][v] : _mm512_add_ps(_mm512_loadu_ps(to), sum[r][v]));
      }
    }
  }
}

template <int kVectors>
void Rows(const uint16_t* rows, size_t stride, int n, const uint32_t* panel, uint32_t pairs, float* out) {
  if (n == kTile) return Tile<kTile, kVectors>(rows, stride, panel, pairs, out);
  for (int r = 0; r < n; ++r)
    Tile<1, kVectors>(rows + r * stride, stride, panel, pairs, out + r * kBf16Panel);
}

void CaptureBlock(const Bf16Panels* panels, const float* half_norms, const uint16_t* packed, int n,
                  const float* thresholds, const AheadRows* ahead, uint64_t* captured, float* gains) {
  alignas(64) float scores[kTile * kBf16Panel];
  const size_t stride = PackedStride(2 * panels->pairs);
  for (int r = 0; r < n; ++r) captured[r] = 0;
  for (uint32_t first_column = 0; first_column < panels->padded; first_column += kBf16Panel) {
    const uint32_t left = panels->padded - first_column;
    const uint32_t width = left < kBf16Panel ? left : kBf16Panel;
    const uint32_t* panel = panels->data + static_cast<size_t>(first_column) * panels->pairs;
    for (int first = 0; first < n; first += kTile) {
      const int count = n - first < kTile ? n - first : kTile;
      const uint16_t* rows = packed + first * stride;
      for (int r = first; first_column == 0 && r < first + count && r < ahead->n; ++r) {
        for (uint32_t j = 0; j < ahead->dim; j += kLanes) __builtin_prefetch(ahead->rows[r] + j, 0, 2);
      }
      if (width == kLanes)
        Rows<1>(rows, stride, count, panel, panels->pairs, scores);
      else if (width == 2 * kLanes)
        Rows<2>(rows, stride, count, panel, panels->pairs, scores);
      else
        Rows<3>(rows, stride, count, panel, panels->pairs, scores);
      for (uint32_t v = 0; v < width; v += kLanes) {
        const __m512 half_norm = _mm512_loadu_ps(half_norms + first_column + v);
        __m512 gain = _mm512_loadu_ps(gains + first_column + v);
        for (int r = 0; r < count; ++r) {
          const __m512 score = _mm512_sub_ps(_mm512_loadu_ps(scores + r * kBf16Panel + v), half_norm);
          const __m512 over = _mm512_sub_ps(score, _mm512_set1_ps(thresholds[first + r]));
          // NaN, from overflow, isn't below 0: the caller looks again.
          const __mmask16 kept =
              static_cast<__mmask16>(~_mm512_cmp_ps_mask(over, _mm512_setzero_ps(), _CMP_LT_OQ));
          captured[first + r] |= static_cast<uint64_t>(kept) << (first_column + v);
          gain = _mm512_mask_add_ps(gain, kept, gain, over);
        }
        _mm512_storeu_ps(gains + first_column + v, gain);
      }
    }
  }
}

}  // namespace

extern const Bf16Table kKMeansBf16Table = {PackRows, CaptureBlock};

}  // namespace alfamix
