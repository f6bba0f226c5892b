// Products in double whose sums have one order, so that every level and the TypeScript twin give the same
// bits: each number is summed from 0 in the order of k, multiplied and added apart. Register tiles of
// kDoubleRows x (kDoubleVectors vectors).

template <int kRows, int kVectors>
static inline void DoubleTile(const double* a, size_t row_stride, size_t step, const double* b,
                              size_t columns, size_t depth, double* out) {
  DoubleVec sum[kRows][kVectors];
  ALFAMIX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = SetDouble(0.0);
  }
  for (size_t k = 0; k < depth; ++k) {
    DoubleVec column[kVectors];
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) column[v] = LoadDouble(b + k * columns + v * kDoubleLanes);
    ALFAMIX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const DoubleVec x = SetDouble(a[r * row_stride + k * step]);
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = AddDouble(sum[r][v], MulDouble(x, column[v]));
    }
  }
  ALFAMIX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) StoreDouble(out + r * columns + v * kDoubleLanes, sum[r][v]);
  }
}

template <int kVectors>
static void DoubleColumns(const double* a, size_t row_stride, size_t step, const double* b, size_t columns,
                          size_t depth, size_t rows, double* out) {
  size_t r = 0;
  for (; r + kDoubleRows <= rows; r += kDoubleRows) {
    DoubleTile<kDoubleRows, kVectors>(a + r * row_stride, row_stride, step, b, columns, depth,
                                      out + r * columns);
  }
  for (; r < rows; ++r)
    DoubleTile<1, kVectors>(a + r * row_stride, row_stride, step, b, columns, depth, out + r * columns);
}

static void DoubleProduct(const double* a, size_t row_stride, size_t step, const double* b, size_t columns,
                          size_t depth, size_t rows, double* out) {
  constexpr size_t kWide = kDoubleVectors * kDoubleLanes;
  size_t c = 0;
  for (; c + kWide <= columns; c += kWide)
    DoubleColumns<kDoubleVectors>(a, row_stride, step, b + c, columns, depth, rows, out + c);
  for (; c < columns; c += kDoubleLanes)
    DoubleColumns<1>(a, row_stride, step, b + c, columns, depth, rows, out + c);
}

static double DotDoubles(const double* a, const double* b, size_t n) {
  double s[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    ALFAMIX_UNROLL
    for (int lane = 0; lane < 8; ++lane) s[lane] += a[i + lane] * b[i + lane];
  }
  for (int lane = 0; i < n; ++i, ++lane) s[lane] += a[i] * b[i];
  return JoinSums(s);
}

static void AddScaled(double scale, const double* x, size_t n, double* y) {
  for (size_t i = 0; i < n; ++i) y[i] += scale * x[i];
}
