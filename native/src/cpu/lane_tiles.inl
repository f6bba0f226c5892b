// Rows in lanes: the pool scan works on tiles of kTileLanes rows, transposed a chunk of dimensions at a time,
// so that the product needs no padding, its results come out ready for the epilogue, and whatever is asked of
// an element is asked of kLanes rows at once.

// Dimensions transposed at a time: with 32 lanes 16 KiB, half of a first-level cache. The sums of a chunk are
// made apart, then added.
constexpr int kTileChunk = 128;
constexpr int kTileLanes = kTileVectors * kLanes;
constexpr unsigned kAllLanes = (1u << kLanes) - 1;
constexpr int kSlots = 1 << kSlotBits;
static_assert(kTileLanes <= 32);
static_assert(kBlockRows % kTileLanes == 0 && kTileChunk % kLanes == 0);

// Memory that is read soon, fetched while a chunk is multiplied: each step of a panel asks for the next line,
// and for the one `second` bytes on.
struct Ahead {
  const char* line;
  size_t step;
  size_t second;
};
constexpr size_t kLineBytes = 64;

// out[column * kTileLanes + lane] (+)= sum over the chunk of z * panel, for one panel of kColumns columns.
template <int kColumns>
static inline void TilePanel(const float* z, const float* panel, int length, bool first, Ahead ahead,
                             float* out) {
  Vec sum[kColumns][kTileVectors];
  ALFAMIX_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    ALFAMIX_UNROLL
    for (int v = 0; v < kTileVectors; ++v) sum[c][v] = Set(0.0f);
  }
  for (int j = 0; j < length; ++j) {
    PrefetchFar(ahead.line);
    PrefetchFar(ahead.line + ahead.second);
    ahead.line += ahead.step;
    Vec x[kTileVectors];
    ALFAMIX_UNROLL
    for (int v = 0; v < kTileVectors; ++v) x[v] = Load(z + v * kLanes);
    z += kTileLanes;
    ALFAMIX_UNROLL
    for (int c = 0; c < kColumns; ++c) {
      const Vec w = Set(panel[c]);
      ALFAMIX_UNROLL
      for (int v = 0; v < kTileVectors; ++v) sum[c][v] = MulAdd(x[v], w, sum[c][v]);
    }
    panel += kColumns;
  }
  ALFAMIX_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    ALFAMIX_UNROLL
    for (int v = 0; v < kTileVectors; ++v) {
      float* to = out + c * kTileLanes + v * kLanes;
      Store(to, first ? sum[c][v] : Add(Load(to), sum[c][v]));
    }
  }
}

template <int kColumns>
static void TilePanelOfWidth(uint32_t width, const float* z, const float* panel, int length, bool first,
                             Ahead ahead, float* out) {
  if constexpr (kColumns > 1) {
    if (width < kColumns) return TilePanelOfWidth<kColumns - 1>(width, z, panel, length, first, ahead, out);
  }
  TilePanel<kColumns>(z, panel, length, first, ahead, out);
}

// Memory that is read soon.
struct Soon {
  const char* from;
  size_t bytes;
};

// Adds to out[column * kTileLanes + lane] what dimensions start ... start + length - 1 give; z begins there.
static void TileProduct(const LanePanels* panels, const float* z, uint32_t start, int length, Soon soon,
                        float* out) {
  const uint32_t count = (panels->columns + kTileColumns - 1) / kTileColumns;
  if (count == 0) return;
  const uint32_t narrow = panels->columns / count;
  const uint32_t wide = panels->columns % count;                 // so many panels hold a column more
  const size_t pass = static_cast<size_t>(length) * kLineBytes;  // a line a step
  const size_t second = soon.bytes > count * pass ? count * pass : 0;
  const float* data = panels->data;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t width = narrow + (i < wide ? 1 : 0);
    const Ahead nothing = {reinterpret_cast<const char*>(z), 0, 0};
    const Ahead ahead = i * pass < soon.bytes ? Ahead{soon.from + i * pass, kLineBytes, second} : nothing;
    TilePanelOfWidth<kTileColumns>(width, z, data + static_cast<size_t>(start) * width, length, start == 0,
                                   ahead, out);
    data += static_cast<size_t>(panels->dim) * width;
    out += static_cast<size_t>(width) * kTileLanes;
  }
}

// The product with something that is already transposed whole, [panels->dim][kTileLanes].
static void TileProductOfAll(const LanePanels* panels, const float* z, float* out) {
  for (uint32_t start = 0; start < panels->dim; start += kTileChunk) {
    const uint32_t left = panels->dim - start;
    TileProduct(panels, z + static_cast<size_t>(start) * kTileLanes, start,
                static_cast<int>(left < kTileChunk ? left : kTileChunk), Soon{nullptr, 0}, out);
  }
}
