// One read of the pool: rows are transposed a chunk at a time, and on the way each element adds to its row's
// norm and is looked up among the anchors' values of its dimension.
//
// The look-up is exact and costs the same for one anchor as for a dozen: a dimension's values sit in slots
// found by a multiplicative hash (anchor_slots.h chose the multiplier so that none collide), so an element
// can equal only the value in its own slot.

// A tile's rows: where each begins, the last one again past the end; and how its values are stored.
struct TileRows {
  const char* at[kTileLanes];
  DType dtype;
  size_t row_bytes;
};

// Elements of one vector of a tile that need a look of their own, in ascending dimensions. Shared: in
// dims[i], lanes lanes[i] equal some anchor's element. Unshared: all anchors hold one value there, and those
// lanes another; these are listed from the arrays' end backwards.
struct LaneEvents {
  uint32_t shared_count;
  uint32_t unshared_count;
  uint32_t shared;    // lanes with an event of the first kind
  uint32_t unshared;  // of the second
  uint32_t* dims;     // D
  uint32_t* lanes;    // D
};

// How dimensions are looked up: kOne where one table of 16 slots holds each dimension's values.
enum class LookUp { kNone, kOne, kMany };

static TileRows RowsOfTile(const void* rows, DType dtype, uint32_t dim, int n) {
  TileRows tile;
  tile.dtype = dtype;
  tile.row_bytes = BytesOfRow(dtype, dim);
  for (int r = 0; r < kTileLanes; ++r)
    tile.at[r] = static_cast<const char*>(rows) + static_cast<size_t>(r < n ? r : n - 1) * tile.row_bytes;
  return tile;
}

// Row r of the tile as float32: in place, or in scratch->gradient.
static const float* FloatRow(const FlipTables* t, const FlipScratch* s, const TileRows* tile, int r) {
  if (tile->dtype == DType::kFloat32) return reinterpret_cast<const float*>(tile->at[r]);
  Widen(tile->dtype, tile->at[r], t->dim, s->gradient);
  return s->gradient;
}

static LaneEvents EventsOf(const FlipTables* t, const FlipScratch* s, int v) {
  const size_t first = static_cast<size_t>(v) * t->dim;
  return {0, 0, 0, 0, s->event_dims + first, s->event_lanes + first};
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
    const bool one_value = t->one_value[j + i] != 0;
    (one_value ? events->unshared : events->shared) |= bits;
    const uint32_t at = one_value ? t->dim - ++events->unshared_count : events->shared_count++;
    events->dims[at] = j + static_cast<uint32_t>(i);
    events->lanes[at] = bits;
  }
}

// kLanes values from j of each of kLanes rows.
static inline void LoadSquare(const TileRows* tile, int v, size_t j, Vec* x) {
  const char* const* rows = tile->at + v * kLanes;
  if (tile->dtype == DType::kFloat32) {
    ALFAMIX_UNROLL
    for (int r = 0; r < kLanes; ++r) x[r] = Load(reinterpret_cast<const float*>(rows[r]) + j);
#if defined(ALFAMIX_VECTOR_LOADS)
  } else if (tile->dtype == DType::kFloat16) {
    ALFAMIX_UNROLL
    for (int r = 0; r < kLanes; ++r) x[r] = LoadHalfs(rows[r] + 2 * j);
  } else if (tile->dtype == DType::kBfloat16) {
    ALFAMIX_UNROLL
    for (int r = 0; r < kLanes; ++r) x[r] = LoadBfloats(rows[r] + 2 * j);
  } else {
    ALFAMIX_UNROLL
    for (int r = 0; r < kLanes; ++r) x[r] = LoadDoubles(rows[r] + 8 * j);
#else
  } else {
    const size_t size = tile->dtype == DType::kFloat64 ? 8 : 2;
    for (int r = 0; r < kLanes; ++r) {
      const float value = ValueAt(tile->dtype, rows[r] + size * j);
      x[r] = Load(&value);
    }
#endif
  }
}

// kLanes dimensions from j of vector v's rows into z, transposed.
template <LookUp kLookUp>
static inline void ScanSquare(const FlipTables* t, const TileRows* tile, int v, size_t j, float* z,
                              Vec* norm2, LaneEvents* events) {
  Vec x[kLanes];
  LoadSquare(tile, v, j, x);
  TransposeSquare(x);
  Vec sum = Set(0.0f);
  uint32_t any = 0;
  ALFAMIX_UNROLL
  for (int i = 0; i < kLanes; ++i) {
    Store(z + i * kTileLanes, x[i]);
    sum = MulAdd(x[i], x[i], sum);
    if constexpr (kLookUp != LookUp::kNone) any |= EventLanes<kLookUp>(t, j + i, x[i]);
  }
  *norm2 = Add(*norm2, sum);
  if constexpr (kLookUp != LookUp::kNone) {
    if (any != 0) NoteEvents<kLookUp>(t, static_cast<uint32_t>(j), kLanes, z, events);
  }
}

// The last dimensions, fewer than kLanes.
template <LookUp kLookUp>
static void ScanRest(const FlipTables* t, const TileRows* tile, int v, uint32_t j, float* z, Vec* norm2,
                     LaneEvents* events) {
  const int width = static_cast<int>(t->dim - j);
  Vec x[kLanes];
  for (int r = 0; r < kLanes; ++r) {
    float rest[kLanes] = {0};
    const char* from = tile->at[v * kLanes + r];
    if (tile->dtype == DType::kFloat32) {
      memcpy(rest, from + j * sizeof(float), width * sizeof(float));
    } else {
      Widen(tile->dtype, from + BytesOfRow(tile->dtype, j), width, rest);
    }
    x[r] = Load(rest);
  }
  TransposeSquare(x);
  Vec sum = Set(0.0f);
  for (int i = 0; i < width; ++i) {
    Store(z + i * kTileLanes, x[i]);
    sum = MulAdd(x[i], x[i], sum);
  }
  *norm2 = Add(*norm2, sum);
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
    // Vector by vector: rows whose length is a power of two share so few lines of the first cache that those
    // of a whole tile push each other out.
    for (int v = 0; v < kTileVectors; ++v) {
      Vec sum = Set(0.0f);
      for (uint32_t j = 0; j < length; j += kLanes) {
        float* z = s->z + j * kTileLanes + v * kLanes;
        if (j + kLanes <= length) {
          ScanSquare<kLookUp>(t, tile, v, start + j, z, &sum, &events[v]);
        } else {
          ScanRest<kLookUp>(t, tile, v, start + j, z, &sum, &events[v]);
        }
      }
      sums[v] = Add(sums[v], sum);
    }
    // Of the next tile's rows a part as large as this chunk.
    const size_t value_bytes = tile->row_bytes / t->dim;
    const Soon next = {tile->at[0] + kTileLanes * (tile->row_bytes + start * value_bytes),
                       kTileLanes * length * value_bytes};
    TileProduct(&t->panels, s->z, start, static_cast<int>(length), next, s->lanes);
  }
  for (int v = 0; v < kTileVectors; ++v) Store(norm2 + v * kLanes, sums[v]);
}
