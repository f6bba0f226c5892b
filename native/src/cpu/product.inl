// The skinny product rows x panels, in register tiles of kTileRows[] x (vectors of a panel). Each element of
// a row is read once a panel; the sum over a chunk stays in registers.

constexpr int kChunk = 256;
constexpr int kPanelVectors = 3;
constexpr int kPanelWidth = kPanelVectors * kLanes;

template <int kRows, int kVectors>
static inline void ProductTile(const float* rows, size_t dim, const float* panel, int length, bool first,
                               float* out, size_t out_stride) {
  Vec sum[kRows][kVectors];
  ALFAMIX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Set(0.0f);
  }
  for (int j = 0; j < length; ++j) {
    Vec column[kVectors];
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) column[v] = Load(panel + v * kLanes);
    panel += kVectors * kLanes;
    ALFAMIX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Vec x = Set(rows[r * dim + j]);
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = MulAdd(x, column[v], sum[r][v]);
    }
  }
  ALFAMIX_UNROLL
  for (int r = 0; r < kRows; ++r) {
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      float* to = out + r * out_stride + v * kLanes;
      Store(to, first ? sum[r][v] : Add(Load(to), sum[r][v]));
    }
  }
}

// All rows against one panel of kVectors vectors.
template <int kVectors>
static void ProductPanel(const float* panel, uint32_t dim, const float* rows, int n, float* out,
                         size_t out_stride) {
  constexpr int kRows = kTileRows[kVectors - 1];
  static_assert(kBlockRows % kRows == 0);
  for (uint32_t start = 0; start < dim; start += kChunk) {
    const int length = static_cast<int>(dim - start < kChunk ? dim - start : kChunk);
    const float* chunk = panel + static_cast<size_t>(start) * kVectors * kLanes;
    int r = 0;
    for (; r + kRows <= n; r += kRows) {
      ProductTile<kRows, kVectors>(rows + static_cast<size_t>(r) * dim + start, dim, chunk, length,
                                   start == 0, out + r * out_stride, out_stride);
    }
    for (; r < n; ++r) {
      ProductTile<1, kVectors>(rows + static_cast<size_t>(r) * dim + start, dim, chunk, length, start == 0,
                               out + r * out_stride, out_stride);
    }
  }
}

static void ProductPanelOfWidth(uint32_t width, const float* panel, uint32_t dim, const float* rows, int n,
                                float* out, size_t out_stride) {
  switch (width / kLanes) {
    case 1:
      return ProductPanel<1>(panel, dim, rows, n, out, out_stride);
    case 2:
      return ProductPanel<2>(panel, dim, rows, n, out, out_stride);
    default:
      return ProductPanel<3>(panel, dim, rows, n, out, out_stride);
  }
}

static void Product(const Panels* panels, const float* rows, int n, float* out) {
  for (uint32_t column = 0; column < panels->padded; column += kPanelWidth) {
    const uint32_t left = panels->padded - column;
    ProductPanelOfWidth(left < kPanelWidth ? left : kPanelWidth,
                        panels->data + static_cast<size_t>(column) * panels->dim, panels->dim, rows, n,
                        out + column, panels->padded);
  }
}
