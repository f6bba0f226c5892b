// k-means against packed rows: tiles of kPackTile rows x one panel, each followed at once by its epilogue
// while the scores are in the first-level cache. Nothing of size rows x centers is stored.
//
// A packed row is fl(scale * x) - shift; rows are PackedStride apart, which is never a multiple of 4 KiB
// (rows so far apart would share a cache set). A score is the same bits whatever tile or panel it is computed
// in: one chain of multiply-adds a chunk of dimensions, chunks added in order.

constexpr int kPackTile = kTileRows[kPanelVectors - 1];
static_assert(kMostPacked % kPackTile == 0);

static void PackRows(const PackSource* source, int n, uint32_t dim, float* out) {
  const size_t stride = PackedStride(source->extra == nullptr ? dim : dim + 1);
  for (int r = 0; r < n; ++r, out += stride) {
    const float* row = source->rows[r];
    const float* shift = source->shift;
    const float scale = source->scales == nullptr ? 1.0f : source->scales[r];
    const Vec scales = Set(scale);
    uint32_t j = 0;
    for (; j + kLanes <= dim; j += kLanes) Store(out + j, Sub(Mul(Load(row + j), scales), Load(shift + j)));
    for (; j < dim; ++j) out[j] = row[j] * scale - shift[j];
    if (source->extra != nullptr) out[dim] = source->extra[r];
  }
}

template <int kRows, int kVectors>
static inline void PackedTile(const float* rows, size_t stride, const float* panel, uint32_t dim,
                              float* out) {
  for (uint32_t start = 0; start < dim; start += kChunk) {
    const uint32_t length = dim - start < kChunk ? dim - start : kChunk;
    Vec sum[kRows][kVectors];
    ALFAMIX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Set(0.0f);
    }
    for (uint32_t j = 0; j < length; ++j) {
      Vec column[kVectors];
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v) column[v] = Load(panel + v * kLanes);
      ALFAMIX_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const Vec x = Set(rows[r * stride + j]);
        ALFAMIX_UNROLL
        for (int v = 0; v < kVectors; ++v) sum[r][v] = MulAdd(x, column[v], sum[r][v]);
      }
      panel += kVectors * kLanes;
    }
    rows += length;
    ALFAMIX_UNROLL
    for (int r = 0; r < kRows; ++r) {
      ALFAMIX_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        float* to = out + r * kPanelWidth + v * kLanes;
        Store(to, start == 0 ? sum[r][v] : Add(Load(to), sum[r][v]));
      }
    }
  }
}

template <int kVectors>
static void PackedRows(const float* rows, size_t stride, int n, const float* panel, uint32_t dim,
                       float* out) {
  if (n == kPackTile) return PackedTile<kPackTile, kVectors>(rows, stride, panel, dim, out);
  for (int r = 0; r < n; ++r)
    PackedTile<1, kVectors>(rows + r * stride, stride, panel, dim, out + r * kPanelWidth);
}

// The products of n <= kPackTile rows with a panel, kPanelWidth apart.
static inline void PackedRowsOfWidth(uint32_t width, const float* rows, size_t stride, int n,
                                     const float* panel, uint32_t dim, float* out) {
  switch (width / kLanes) {
    case 1:
      return PackedRows<1>(rows, stride, n, panel, dim, out);
    case 2:
      return PackedRows<2>(rows, stride, n, panel, dim, out);
    default:
      return PackedRows<3>(rows, stride, n, panel, dim, out);
  }
}

// Rows that the same thread packs next come into the second-level cache while this block computes: reading
// them is as long as multiplying them with 50 columns.
struct Fetcher {
  const AheadRows* ahead;
  int at;
  int step;
};

static inline Fetcher StartFetching(const AheadRows* ahead, int n, uint32_t padded) {
  if (ahead == nullptr || padded == 0) return {ahead, 0, 0};  // no columns: no center moved
  const int calls =
      (n + kPackTile - 1) / kPackTile * static_cast<int>((padded + kPanelWidth - 1) / kPanelWidth);
  return {ahead, 0, (ahead->n + calls - 1) / calls};
}

static inline void FetchSome(Fetcher* fetcher) {
  const AheadRows* ahead = fetcher->ahead;
  for (int i = 0; i < fetcher->step && fetcher->at < ahead->n; ++i, ++fetcher->at) {
    const float* row = ahead->rows[fetcher->at];
    for (uint32_t j = 0; j < ahead->dim; j += 16) PrefetchFar(row + j);
  }
}

// The lanes of one row's running top two, joined.
static void JoinTopTwo(const float* best, const float* second, const int32_t* nearest, const float* own,
                       int r, const TopTwo* out) {
  int32_t index = nearest[0];
  float top = best[0];
  float next = second[0];
  float own_score = own[0];
  for (int lane = 1; lane < kLanes; ++lane) {
    const float score = best[lane];
    const int32_t at = nearest[lane] + lane;
    if (second[lane] > next) next = second[lane];
    if (own[lane] > own_score) own_score = own[lane];
    if (score > top || (score == top && at < index)) {
      if (top > next) next = top;
      top = score;
      index = at;
    } else if (score > next) {
      next = score;
    }
  }
  out->nearest[r] = index;
  out->best[r] = top;
  out->second[r] = next;
  out->own[r] = own_score;
}

static void TopTwoBlock(const Panels* panels, const float* half_norms, const float* packed, int n,
                        const int32_t* own_columns, const AheadRows* ahead, const TopTwo* out) {
  alignas(64) float best[kMostPacked * kLanes];
  alignas(64) float second[kMostPacked * kLanes];
  alignas(64) float own[kMostPacked * kLanes];
  alignas(64) int32_t nearest[kMostPacked * kLanes];
  alignas(64) int32_t own_lane[kMostPacked * kLanes];
  alignas(64) float scores[kPackTile * kPanelWidth];
  const size_t stride = PackedStride(panels->dim);
  for (int r = 0; r < n; ++r) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const int i = r * kLanes + lane;
      best[i] = -INFINITY;
      second[i] = -INFINITY;
      own[i] = -INFINITY;
      nearest[i] = 0;
      own_lane[i] = own_columns[r] - lane;
    }
  }
  const Vec never = Set(-INFINITY);
  Fetcher fetcher = StartFetching(ahead, n, panels->padded);
  for (uint32_t column = 0; column < panels->padded; column += kPanelWidth) {
    const uint32_t left = panels->padded - column;
    const uint32_t width = left < kPanelWidth ? left : kPanelWidth;
    const float* panel = panels->data + static_cast<size_t>(column) * panels->dim;
    for (int first = 0; first < n; first += kPackTile) {
      const int end = n - first < kPackTile ? n - first : kPackTile;
      FetchSome(&fetcher);
      PackedRowsOfWidth(width, packed + first * stride, stride, end, panel, panels->dim, scores);
      for (int r = 0; r < end; ++r) {
        const int at = (first + r) * kLanes;
        const Int lane_of_own = LoadInt(own_lane + at);
        Vec top = Load(best + at);
        Vec next = Load(second + at);
        Vec own_score = Load(own + at);
        Int index = LoadInt(nearest + at);
        for (uint32_t v = 0; v < width; v += kLanes) {
          const Int first_lane = SetInt(static_cast<int32_t>(column + v));
          Vec score = Sub(Load(scores + r * kPanelWidth + v), Load(half_norms + column + v));
          const Mask is_own = EqualInt(first_lane, lane_of_own);
          own_score = Select(is_own, score, own_score);
          score = Select(is_own, never, score);
          const Mask better = Greater(score, top);
          next = Max(next, Min(score, top));
          index = SelectInt(better, first_lane, index);
          top = Max(score, top);
        }
        Store(best + at, top);
        Store(second + at, next);
        Store(own + at, own_score);
        StoreInt(nearest + at, index);
      }
    }
  }
  for (int r = 0; r < n; ++r) {
    const int at = r * kLanes;
    JoinTopTwo(best + at, second + at, nearest + at, own + at, r, out);
  }
}

static void CaptureBlock(const Panels* panels, const float* half_norms, const float* packed, int n,
                         const float* thresholds, const AheadRows* ahead, uint64_t* captured, float* gains) {
  alignas(64) float scores[kPackTile * kPanelWidth];
  const size_t stride = PackedStride(panels->dim);
  for (int r = 0; r < n; ++r) captured[r] = 0;
  Fetcher fetcher = StartFetching(ahead, n, panels->padded);
  for (uint32_t column = 0; column < panels->padded; column += kPanelWidth) {
    const uint32_t left = panels->padded - column;
    const uint32_t width = left < kPanelWidth ? left : kPanelWidth;
    const float* panel = panels->data + static_cast<size_t>(column) * panels->dim;
    for (int first = 0; first < n; first += kPackTile) {
      const int end = n - first < kPackTile ? n - first : kPackTile;
      FetchSome(&fetcher);
      PackedRowsOfWidth(width, packed + first * stride, stride, end, panel, panels->dim, scores);
      for (uint32_t v = 0; v < width; v += kLanes) {
        const Vec half_norm = Load(half_norms + column + v);
        Vec gain = Load(gains + column + v);
        for (int r = 0; r < end; ++r) {
          const Vec over =
              Sub(Sub(Load(scores + r * kPanelWidth + v), half_norm), Set(thresholds[first + r]));
          const Mask below = Greater(Set(0.0f), over);  // NaN, from overflow, isn't: the caller looks again
          const uint64_t lanes = ~Bits(below) & ((uint64_t{1} << kLanes) - 1);
          captured[first + r] |= lanes << (column + v);
          gain = Add(gain, Select(below, Set(0.0f), over));
        }
        Store(gains + column + v, gain);
      }
    }
  }
}

// sum += fl(scale * row), in double.
static void AddRow(const float* row, float scale, size_t n, double* sum) {
  for (size_t j = 0; j < n; ++j) sum[j] += static_cast<double>(row[j] * scale);
}
