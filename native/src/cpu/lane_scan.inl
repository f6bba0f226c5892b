// One read of the pool: rows are transposed a chunk at a time, and on the way each element adds to its row's
// norm and is looked up among the anchors' values of its dimension.
//
// The look-up is exact and costs the same for one anchor as for a dozen: a dimension's values sit in slots
// found by a multiplicative hash (anchor_slots.h chose the multiplier so that none collide), so an element
// can equal only the value in its own slot.

// A tile's rows: where each begins, the last one again past the end.
struct TileRows {
  const float* at[kTileLanes];
};

// Elements of one vector of a tile that need a look of their own: in dims[i], lanes lanes[i] equal some
// anchor's element there or, where all anchors hold one value, don't equal it. values: i x kLanes.
struct LaneEvents {
  uint32_t count;
  uint32_t shared;    // lanes with an event of the first kind
  uint32_t unshared;  // of the second
  uint32_t* dims;
  uint32_t* lanes;
  float* values;
};

// How dimensions are looked up: kOne where one table of 16 slots holds each dimension's values.
enum class LookUp { kNone, kOne, kMany };

static TileRows RowsOfTile(const float* rows, uint32_t dim, int n) {
  TileRows tile;
  for (int r = 0; r < kTileLanes; ++r) tile.at[r] = rows + static_cast<size_t>(r < n ? r : n - 1) * dim;
  return tile;
}

static LaneEvents EventsOf(const FlipTables* t, const FlipScratch* s, int v) {
  const size_t first = static_cast<size_t>(v) * t->dim;
  return {0, 0, 0, s->event_dims + first, s->event_lanes + first, s->event_values + first * kLanes};
}

// The lanes whose element has an event in dimension j.
template <LookUp kLookUp>
static inline uint32_t EventLanes(const FlipTables* t, size_t j, Vec x) {
  Mask equal;
  if constexpr (kLookUp == LookUp::kOne) {
    equal = Equal(SlotValue16(x, t->slots.multipliers[j], t->slots.values + j * 16), x);
  } else {
    const uint32_t tables = t->slots.tables;
    const uint32_t* multipliers = t->slots.multipliers + j * tables;
    const float* values = t->slots.values + j * tables * kSlots;
    equal = Equal(SlotValue(x, multipliers[0], values), x);
    for (uint32_t i = 1; i < tables; ++i)
      equal = Or(equal, Equal(SlotValue(x, multipliers[i], values + i * kSlots), x));
  }
  return Bits(equal) ^ t->one_value[j];
}

// Notes the events of `width` dimensions from j, transposed in z.
template <LookUp kLookUp>
static void NoteEvents(const FlipTables* t, uint32_t j, int width, const float* z, LaneEvents* events) {
  for (int i = 0; i < width; ++i) {
    const Vec x = Load(z + i * kTileLanes);
    const uint32_t bits = EventLanes<kLookUp>(t, j + i, x);
    if (bits == 0) continue;
    const uint32_t at = events->count++;
    events->dims[at] = j + static_cast<uint32_t>(i);
    events->lanes[at] = bits;
    Store(events->values + static_cast<size_t>(at) * kLanes, x);
    (t->one_value[j + i] != 0 ? events->unshared : events->shared) |= bits;
  }
}

// kLanes dimensions from j of kLanes rows into z, transposed.
template <LookUp kLookUp>
static inline void ScanSquare(const FlipTables* t, const float* const* rows, size_t j, float* z, Vec* norm2,
                              LaneEvents* events) {
  Vec x[kLanes];
  ALFAMIX_UNROLL
  for (int r = 0; r < kLanes; ++r) {
    x[r] = Load(rows[r] + j);
    Prefetch(rows[r] + j + 2 * kLineFloats);
  }
  TransposeSquare(x);
  Vec sum = *norm2;
  uint32_t any = 0;
  ALFAMIX_UNROLL
  for (int i = 0; i < kLanes; ++i) {
    Store(z + i * kTileLanes, x[i]);
    sum = MulAdd(x[i], x[i], sum);
    if constexpr (kLookUp != LookUp::kNone) any |= EventLanes<kLookUp>(t, j + i, x[i]);
  }
  *norm2 = sum;
  if constexpr (kLookUp != LookUp::kNone) {
    if (any != 0) NoteEvents<kLookUp>(t, static_cast<uint32_t>(j), kLanes, z, events);
  }
}

// The last dimensions, fewer than kLanes.
template <LookUp kLookUp>
static void ScanRest(const FlipTables* t, const float* const* rows, uint32_t j, float* z, Vec* norm2,
                     LaneEvents* events) {
  const int width = static_cast<int>(t->dim - j);
  Vec x[kLanes];
  for (int r = 0; r < kLanes; ++r) {
    float rest[kLanes] = {0};
    memcpy(rest, rows[r] + j, width * sizeof(float));
    x[r] = Load(rest);
  }
  TransposeSquare(x);
  for (int i = 0; i < width; ++i) {
    Store(z + i * kTileLanes, x[i]);
    *norm2 = MulAdd(x[i], x[i], *norm2);
  }
  if constexpr (kLookUp != LookUp::kNone) NoteEvents<kLookUp>(t, j, width, z, events);
}

// The tile's logits and anchor products into scratch->lanes, its rows' squared norms into `norm2`.
template <LookUp kLookUp>
static void ScanTile(const FlipTables* t, const FlipScratch* s, const TileRows* tile, float* norm2,
                     LaneEvents* events) {
  Vec sums[kTileVectors];
  for (int v = 0; v < kTileVectors; ++v) sums[v] = Set(0.0f);
  for (uint32_t start = 0; start < t->dim; start += kTileChunk) {
    const uint32_t left = t->dim - start;
    const uint32_t length = left < kTileChunk ? left : kTileChunk;
    for (uint32_t j = 0; j < length; j += kLanes) {
      for (int v = 0; v < kTileVectors; ++v) {
        const float* const* rows = tile->at + v * kLanes;
        float* z = s->z + j * kTileLanes + v * kLanes;
        if (j + kLanes <= length) {
          ScanSquare<kLookUp>(t, rows, start + j, z, &sums[v], &events[v]);
        } else {
          ScanRest<kLookUp>(t, rows, start + j, z, &sums[v], &events[v]);
        }
      }
    }
    // Of the next tile's rows a part as large as this chunk.
    const float* next = tile->at[0] + static_cast<size_t>(kTileLanes) * (t->dim + start);
    TileProduct(&t->panels, s->z, start, static_cast<int>(length), next, s->lanes);
  }
  for (int v = 0; v < kTileVectors; ++v) Store(norm2 + v * kLanes, sums[v]);
}
