// The gains u = W g of a tile, and |g|^2: by the Gram matrix, u = G q; or, with many more classes than
// dimensions, through g itself.

// Sets to zero what is unlikely: together at most kEpsilon a row, which moves no gain by more than 2 kEpsilon
// times the largest entry of G. A head sure of itself leaves a few of a thousand classes. Lists the classes
// that are left in some row.
static uint32_t DropUnlikely(const FlipTables* t, const FlipScratch* s) {
  const Vec least = Set(kEpsilon / static_cast<float>(t->classes));
  uint32_t count = 0;
  for (uint32_t c = 0; c < t->classes; ++c) {
    unsigned any = 0;
    for (int v = 0; v < kTileVectors; ++v) {
      float* q = s->q + c * kTileLanes + v * kLanes;
      const Mask likely = Greater(Max(Load(q), Sub(Set(0.0f), Load(q))), least);
      Store(q, Select(likely, Load(q), Set(0.0f)));
      any |= Bits(likely);
    }
    s->likely[count] = c;
    count += any != 0;
  }
  return count;
}

// TileProductOfAll with scratch->q where only the listed classes aren't zero: the same sums without the
// zeros, the classes' values copied side by side, chunk by chunk.
static void ProductOfLikely(const FlipTables* t, const FlipScratch* s, const LanePanels* panels,
                            uint32_t count, float* out) {
  const uint32_t panel_count = (panels->columns + kTileColumns - 1) / kTileColumns;
  const uint32_t narrow = panels->columns / panel_count;
  const uint32_t wide = panels->columns % panel_count;
  float* q = s->likely_q;
  float* rows = q + kTileChunk * kTileLanes;
  uint32_t first = 0;
  for (uint32_t start = 0; start < t->classes; start += kTileChunk) {
    uint32_t end = first;
    for (; end < count && s->likely[end] < start + kTileChunk; ++end) {
      memcpy(q + (end - first) * kTileLanes, s->q + s->likely[end] * kTileLanes, kTileLanes * sizeof(float));
    }
    const float* data = panels->data;
    float* to = out;
    for (uint32_t p = 0; p < panel_count; ++p) {
      const uint32_t width = narrow + (p < wide ? 1 : 0);
      for (uint32_t i = first; i < end; ++i) {
        const float* row = data + static_cast<size_t>(s->likely[i]) * width;
        for (uint32_t c = 0; c < width; ++c) rows[(i - first) * width + c] = row[c];
      }
      TilePanelOfWidth<kTileColumns>(width, q, rows, static_cast<int>(end - first), start == 0,
                                     Ahead{reinterpret_cast<const char*>(q), 0, 0}, to);
      data += static_cast<size_t>(panels->dim) * width;
      to += static_cast<size_t>(width) * kTileLanes;
    }
    first = end;
  }
}

// Below this many classes the list costs more than it saves.
constexpr uint32_t kManyClasses = 64;

// scratch->u = G q, and over all dimensions into scratch->whole where the two differ. Returns the number of
// classes listed in scratch->likely, or C.
static uint32_t GainsByGram(const FlipTables* t, const FlipScratch* s) {
  const uint32_t likely = t->classes < kManyClasses ? t->classes : DropUnlikely(t, s);
  const LanePanels* const grams[] = {&t->gram, &t->whole_gram};
  float* const outs[] = {s->u, s->whole};
  for (int i = 0; i < (t->whole_gram.data != nullptr ? 2 : 1); ++i) {
    if (likely < t->classes / 2) {
      ProductOfLikely(t, s, grams[i], likely, outs[i]);
    } else {
      TileProductOfAll(grams[i], s->q, outs[i]);
    }
  }
  return likely;
}

// g = W^T q into scratch->tile_gradient, then u = W g over the dimensions where the anchors differ.
static void GainsByGradient(const FlipTables* t, const FlipScratch* s) {
  TileProductOfAll(&t->by_dim, s->q, s->tile_gradient);
  for (int v = 0; v < kTileVectors; ++v) {
    Vec even = Set(0.0f);
    Vec odd = Set(0.0f);
    for (uint32_t j = 0; j < t->dim; ++j) {
      float* at = s->tile_gradient + static_cast<size_t>(j) * kTileLanes + v * kLanes;
      const Vec g = Load(at);
      (j % 2 == 0 ? even : odd) = MulAdd(g, g, j % 2 == 0 ? even : odd);
      if (t->one_value[j] != 0) Store(at, Set(0.0f));
    }
    Store(s->whole + v * kLanes, Add(even, odd));
  }
  TileProductOfAll(&t->by_class, s->tile_gradient, s->u);
}

// After PredictLanes of all vectors of the tile. Returns what GainsByGram does.
static uint32_t TileGains(const FlipTables* t, const FlipScratch* s) {
  if (t->by_dim.data == nullptr) return GainsByGram(t, s);
  GainsByGradient(t, s);
  return t->classes;
}

// |g|^2 = q . G q, over all dimensions, after TileGains.
static Vec GradientNorm2(const FlipTables* t, const FlipScratch* s, int v) {
  if (t->by_dim.data != nullptr) return Load(s->whole + v * kLanes);
  const float* q = s->q + v * kLanes;
  const float* u = (t->whole_gram.data != nullptr ? s->whole : s->u) + v * kLanes;
  Vec sum = Set(0.0f);
  for (uint32_t c = 0; c < t->classes; ++c)
    sum = MulAdd(Load(q + c * kTileLanes), Load(u + c * kTileLanes), sum);
  return sum;
}
