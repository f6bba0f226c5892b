// Sums in double with a fixed order: eight interleaved partial sums, joined pairwise, without fused
// multiply-adds. packages/core/src/kernels/js/reduce.ts adds in the same order, so what is decided here is
// decided equally, bit for bit, on every backend. Compile with -ffp-contract=off.
#pragma once

#include <cstddef>

namespace alfamix {

template <typename A, typename B>
inline double Dot(const A* a, const B* b, std::size_t n) {
  double s[8] = {0};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int lane = 0; lane < 8; ++lane)
      s[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  }
  for (int lane = 0; i < n; ++i, ++lane) s[lane] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

template <typename A, typename B>
inline double SquaredDistance(const A* a, const B* b, std::size_t n) {
  double s[8] = {0};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int lane = 0; lane < 8; ++lane) {
      const double d = static_cast<double>(a[i + lane]) - static_cast<double>(b[i + lane]);
      s[lane] += d * d;
    }
  }
  for (int lane = 0; i < n; ++i, ++lane) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    s[lane] += d * d;
  }
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

}  // namespace alfamix
