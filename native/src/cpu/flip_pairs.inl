// Tiles of a bfloat16 pool where the processor multiplies pairs of bfloat16: the head's columns stay float32,
// so that the logits are as exact as anywhere; the anchors' are rounded to bfloat16, which is enough to say
// which anchors may be the farthest, and the few that may be are multiplied again in float32.
#if defined(ALFAMIX_BF16_PRODUCT)

constexpr int kPairSquare = 2 * kLanes;  // dimensions of a square of pairs
static_assert(kTileChunk % kPairSquare == 0);

// out[column * kTileLanes + lane] (+)= sums over the chunk, for one panel of kColumns columns of pairs.
template <int kColumns>
static inline void PairPanel(const uint32_t* z, const uint32_t* panel, int length, bool first, float* out) {
  Vec sum[kColumns][kTileVectors];
  ALFAMIX_UNROLL
  for (int c = 0; c < kColumns; ++c) {
    ALFAMIX_UNROLL
    for (int v = 0; v < kTileVectors; ++v) sum[c][v] = Set(0.0f);
  }
  for (int j = 0; j < length; j += 2) {
    Pairs x[kTileVectors];
    ALFAMIX_UNROLL
    for (int v = 0; v < kTileVectors; ++v) x[v] = LoadPairs(reinterpret_cast<const char*>(z + v * kLanes));
    z += kTileLanes;
    ALFAMIX_UNROLL
    for (int c = 0; c < kColumns; ++c) {
      const Pairs w = SetPairs(panel[c]);
      ALFAMIX_UNROLL
      for (int v = 0; v < kTileVectors; ++v) sum[c][v] = MulAddPairs(x[v], w, sum[c][v]);
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
static void PairPanelOfWidth(uint32_t width, const uint32_t* z, const uint32_t* panel, int length, bool first,
                             float* out) {
  if constexpr (kColumns > 1) {
    if (width < kColumns) return PairPanelOfWidth<kColumns - 1>(width, z, panel, length, first, out);
  }
  PairPanel<kColumns>(z, panel, length, first, out);
}

static void PairProduct(const PairPanels* panels, const uint32_t* z, uint32_t start, int length, float* out) {
  const uint32_t count = (panels->columns + kTileColumns - 1) / kTileColumns;
  const uint32_t narrow = panels->columns / count;
  const uint32_t wide = panels->columns % count;
  const uint32_t* data = panels->data;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t width = narrow + (i < wide ? 1 : 0);
    PairPanelOfWidth<kTileColumns>(width, z, data + static_cast<size_t>(start / 2) * width, length,
                                   start == 0, out);
    data += static_cast<size_t>(panels->dim / 2) * width;
    out += static_cast<size_t>(width) * kTileLanes;
  }
}

// kPairSquare dimensions from j of vector v's rows: as float32 into z, as pairs into `pairs`.
template <LookUp kLookUp>
static inline void ScanPairSquare(const FlipTables* t, const TileRows* tile, int v, size_t j, float* z,
                                  uint32_t* pairs, Vec* norm2, LaneEvents* events) {
  const char* const* rows = tile->at + v * kLanes;
  Pairs x[kLanes];
  ALFAMIX_UNROLL
  for (int r = 0; r < kLanes; ++r) {
    x[r] = LoadPairs(rows[r] + 2 * j);
    Prefetch(rows[r] + 2 * j + 2 * kLineBytes);
  }
  TransposePairs(x);
  Vec sum = *norm2;
  uint32_t any = 0;
  ALFAMIX_UNROLL
  for (int i = 0; i < kLanes; ++i) {
    _mm512_storeu_si512(pairs + i * kTileLanes, x[i]);
    const Vec low = LowOf(x[i]);
    const Vec high = HighOf(x[i]);
    Store(z + 2 * i * kTileLanes, low);
    Store(z + (2 * i + 1) * kTileLanes, high);
    sum = MulAdd(low, low, sum);
    sum = MulAdd(high, high, sum);
    any |= EventLanes<kLookUp>(t, j + 2 * i, low) | EventLanes<kLookUp>(t, j + 2 * i + 1, high);
  }
  *norm2 = sum;
  if (any != 0) NoteEvents<kLookUp>(t, static_cast<uint32_t>(j), kPairSquare, z, events);
}

// As ScanTile; the anchors' products are those of their bfloat16 values.
template <LookUp kLookUp>
static void ScanPairTile(const FlipTables* t, const FlipScratch* s, const TileRows* tile, float* norm2,
                         LaneEvents* events) {
  Vec sums[kTileVectors];
  for (int v = 0; v < kTileVectors; ++v) sums[v] = Set(0.0f);
  for (uint32_t start = 0; start < t->dim; start += kTileChunk) {
    const uint32_t left = t->dim - start;
    const uint32_t length = left < kTileChunk ? left : kTileChunk;
    for (uint32_t j = 0; j < length; j += kPairSquare) {
      for (int v = 0; v < kTileVectors; ++v) {
        ScanPairSquare<kLookUp>(t, tile, v, start + j, s->z + j * kTileLanes + v * kLanes,
                                s->z_pairs + j / 2 * kTileLanes + v * kLanes, &sums[v], &events[v]);
      }
    }
    const Soon next = {tile->at[0] + kTileLanes * (tile->row_bytes + 2 * start),
                       2 * size_t{kTileLanes} * length};
    TileProduct(&t->weight_panels, s->z, start, static_cast<int>(length), next, s->lanes);
    PairProduct(&t->anchor_pairs, s->z_pairs, start, static_cast<int>(length),
                s->lanes + t->classes * kTileLanes);
  }
  for (int v = 0; v < kTileVectors; ++v) Store(norm2 + v * kLanes, sums[v]);
}

// A stored row times an anchor, in float32.
static float PairRowProduct(const char* row, const float* anchor, uint32_t dim) {
  Vec even = Set(0.0f);
  Vec odd = Set(0.0f);
  for (uint32_t j = 0; j < dim; j += kPairSquare) {
    even = MulAdd(LoadBfloats(row + 2 * j), Load(anchor + j), even);
    odd = MulAdd(LoadBfloats(row + 2 * (j + kLanes)), Load(anchor + j + kLanes), odd);
  }
  return SumLanes(Add(even, odd));
}

// Below it subnormal products, which count as zero, could matter.
constexpr float kLeastNorms = 1e-30f;

// Multiplies again, in float32, the anchors that may be the farthest from a row; all of them for lanes that
// share values with some.
static void SettleAnchors(const FlipTables* t, const FlipScratch* s, const TileRows* tile, int v, Vec norm2,
                          unsigned shared) {
  float* products = s->lanes + t->classes * kTileLanes + v * kLanes;
  const Vec length = Mul(Set(2.0f), Sqrt(norm2));
  Vec sure = Set(-INFINITY);  // some anchor is at least so far away
  for (uint32_t k = 0; k < t->anchors; ++k) {
    const Vec norms = Add(norm2, Set(t->anchor_norm2[k]));
    const Vec distance2 = MulAdd(Load(products + k * kTileLanes), Set(-2.0f), norms);
    const Vec error = MulAdd(length, Set(t->anchor_rounding[k]), Mul(Set(2 * kDistanceError), norms));
    sure = Max(sure, Sub(distance2, error));
  }
  for (uint32_t k = 0; k < t->anchors; ++k) {
    const Vec norms = Add(norm2, Set(t->anchor_norm2[k]));
    const Vec distance2 = MulAdd(Load(products + k * kTileLanes), Set(-2.0f), norms);
    const Vec error = MulAdd(length, Set(t->anchor_rounding[k]), Mul(Set(2 * kDistanceError), norms));
    // Written so that NaN counts as one that may be.
    const Mask out_of_reach = And(Greater(sure, Add(distance2, error)), Greater(norms, Set(kLeastNorms)));
    for (unsigned bits = (~Bits(out_of_reach) & kAllLanes) | shared; bits != 0; bits &= bits - 1) {
      const int lane = static_cast<int>(FirstBit(bits));
      products[k * kTileLanes + lane] = PairRowProduct(
          tile->at[v * kLanes + lane], t->anchor_rows + static_cast<size_t>(k) * t->dim, t->dim);
    }
  }
}

#endif
