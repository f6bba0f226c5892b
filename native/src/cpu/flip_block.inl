// The flip search of a block, tile by tile: scan and product, prediction, gains, first flips; what float32
// can't vouch for is marked.

// How far the difference of the two largest logits may be off.
static Vec LogitError(const FlipTables* t, const FlipLanes* f, Vec norm2) {
  const Vec random = MulAdd(Mul(Sqrt(norm2), Set(t->weight_norm)), Set(kLogitError),
                            Set((kLogitError + kAlignedLogitError) * t->bias_max));
  const Vec zero = Set(0.0f);
  const Vec largest =
      Max(Max(f->label_logit, Sub(zero, f->label_logit)), Max(f->second_logit, Sub(zero, f->second_logit)));
  return MulAdd(largest, Set(kAlignedLogitError), random);
}

// Caps, anchors and classes of one vector, after TileGains. `open`: the lanes whose prediction float32 can
// vouch for; returns those of them whose flip it can, too.
static unsigned SearchLanes(const FlipTables* t, const FlipScratch* s, FlipLanes* f, const TileRows* tile,
                            Vec norm2, const LaneEvents* events, unsigned open, LanesOutput* o) {
  f->gain_error = Set(kGainError * t->gram_max);
  f->gradient2 = GradientNorm2(t, s, f->vector);
  if (events->unshared != 0) {
    AddUnshared(t, s, f, events);
    f->gain_error = Select(MaskOf(events->unshared), Mul(Set(3.0f), f->gain_error), f->gain_error);
  }
  const unsigned shared = open & events->shared;
  const unsigned sound = FarthestAnchorLanes(t, s, f, tile, norm2, open & ~shared, o);
  return shared != 0 ? sound | SharedLanes(t, s, f, tile, events, norm2, shared, o) : sound;
}

static void NoAnchors(LanesOutput* o) {
  StoreInt(o->flip_anchor, SetInt(-1));
  StoreInt(o->flip_to, SetInt(-1));
  Store(o->flip_cap, Set(INFINITY));
}

// `row`: the vector's first row in the block.
static void WriteLanes(const LanesOutput* o, const FlipBlockOutput* out, int row, int lanes) {
  memcpy(out->pseudo_label + row, o->label, lanes * sizeof(int32_t));
  memcpy(out->confidence + row, o->confidence, lanes * sizeof(float));
  memcpy(out->margin + row, o->margin, lanes * sizeof(float));
  memcpy(out->entropy + row, o->entropy, lanes * sizeof(float));
  if (out->flip_cap == nullptr) return;
  memcpy(out->flip_cap + row, o->flip_cap, lanes * sizeof(float));
  memcpy(out->flip_anchor + row, o->flip_anchor, lanes * sizeof(int32_t));
  memcpy(out->flip_to + row, o->flip_to, lanes * sizeof(int32_t));
}

template <LookUp kLookUp>
static void FlipTile(const FlipTables* t, const TileRows* tile, const FlipScratch* s, int first, int n,
                     const FlipBlockOutput* out, uint8_t* recheck) {
  float norm2[kTileLanes];
  LaneEvents events[kTileVectors];
  for (int v = 0; v < kTileVectors; ++v) events[v] = EventsOf(t, s, v);
  ScanTile<kLookUp>(t, s, tile, norm2, events);
  FlipLanes f[kTileVectors];
  LanesOutput o[kTileVectors];
  for (int v = 0; v < kTileVectors; ++v) {
    f[v].vector = v;
    PredictLanes(t, s, &f[v], &o[v]);
  }
  uint32_t likely = t->classes;
  if constexpr (kLookUp != LookUp::kNone) likely = TileGains(t, s);
  for (int v = 0; v < kTileVectors && v * kLanes < n; ++v) {
    const Vec norms = Load(norm2 + v * kLanes);
    f[v].logit_error = LogitError(t, &f[v], norms);
    f[v].likely = likely;
    // Written so that NaN fails.
    const Vec probability_error = Mul(Mul(Set(2.0f), f[v].variance), f[v].logit_error);
    unsigned sound = Bits(And(Greater(Sub(f[v].label_logit, f[v].second_logit), f[v].logit_error),
                              Greater(Set(kProbabilityError), probability_error)));
    if constexpr (kLookUp != LookUp::kNone) {
      sound &= Bits(Greater(Set(kSpreadError), Mul(f[v].logit_error, f[v].others)));
      sound = SearchLanes(t, s, &f[v], tile, norms, &events[v], sound, &o[v]);
    } else {
      NoAnchors(&o[v]);
    }
    const int row = first + v * kLanes;
    const int lanes = n - v * kLanes < kLanes ? n - v * kLanes : kLanes;
    WriteLanes(&o[v], out, row, lanes);
    // Written so that NaN fails, too: differences of logits can be beyond float32.
    for (int r = 0; r < lanes; ++r)
      recheck[row + r] = (sound >> r & 1u) == 0 || !(o[v].entropy[r] < INFINITY);
  }
}

static void FlipBlock(const FlipTables* t, const void* rows, DType dtype, int n, const FlipScratch* s,
                      const FlipBlockOutput* out, uint8_t* recheck) {
  for (int first = 0; first < n; first += kTileLanes) {
    const char* from = static_cast<const char*>(rows) + first * BytesOfRow(dtype, t->dim);
    const TileRows tile = RowsOfTile(from, dtype, t->dim, n - first);
    const int rest = n - first < kTileLanes ? n - first : kTileLanes;
    if (t->anchors == 0) {
      FlipTile<LookUp::kNone>(t, &tile, s, first, rest, out, recheck);
    } else if (t->slots.one) {
      FlipTile<LookUp::kOne>(t, &tile, s, first, rest, out, recheck);
    } else {
      FlipTile<LookUp::kMany>(t, &tile, s, first, rest, out, recheck);
    }
  }
}
