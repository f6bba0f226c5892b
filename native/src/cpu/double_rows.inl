// Work on single rows in double, the same bits at every level: sums in the order of cpu/reduce.h (which
// levels can't include: its inline functions would be weak symbols), no fused multiply-add.

static double JoinSums(const double* s) {
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static double DotRows(const float* a, const float* b, size_t n) {
  double s[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    ALFAMIX_UNROLL
    for (int lane = 0; lane < 8; ++lane)
      s[lane] += static_cast<double>(a[i + lane]) * static_cast<double>(b[i + lane]);
  }
  for (int lane = 0; i < n; ++i, ++lane) s[lane] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return JoinSums(s);
}

static double SquaredDistance(const float* a, const float* b, size_t n) {
  double s[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    ALFAMIX_UNROLL
    for (int lane = 0; lane < 8; ++lane) {
      const double d = static_cast<double>(a[i + lane]) - static_cast<double>(b[i + lane]);
      s[lane] += d * d;
    }
  }
  for (int lane = 0; i < n; ++i, ++lane) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    s[lane] += d * d;
  }
  return JoinSums(s);
}

static void InterpolateRow(const float* z, const float* anchor, const float* alpha, size_t n, float* out) {
  for (size_t j = 0; j < n; ++j) {
    const double from = static_cast<double>(z[j]);
    out[j] =
        static_cast<float>(from + static_cast<double>(alpha[j]) * (static_cast<double>(anchor[j]) - from));
  }
}

static void AlphaRow(const float* z, const float* anchor, const float* gradient, double scale, size_t n,
                     float* out) {
  constexpr double kMost = 3.4028234663852886e38;  // of float32
  for (size_t j = 0; j < n; ++j) {
    const double delta = static_cast<double>(anchor[j]) - static_cast<double>(z[j]);
    // Where delta is next to nothing alpha may be beyond float32; infinity times delta would not be.
    double alpha = (scale * static_cast<double>(gradient[j])) / (delta == 0 ? 1.0 : delta);
    alpha = alpha < kMost ? alpha : kMost;
    alpha = alpha > -kMost ? alpha : -kMost;
    // No gradient moves nothing, even where the scale is infinite.
    out[j] = delta == 0 || gradient[j] == 0 ? 0.0f : static_cast<float>(alpha);
  }
}
