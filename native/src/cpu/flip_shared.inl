// Rows that share values with anchors. There alpha is 0, so u loses what those dimensions gave:
//   u_k = u - W (g * (1 - m_k)) / |g|.
// The Gram matrix already leaves out the dimensions where all anchors hold one value (a silent ReLU unit):
// most rows hold it too. What is left are events: an element that has another value there after all, or one
// that equals some anchor's elsewhere.

// g at each event's dimension, into scratch->event_gradient.
static void GradientAtEvents(const FlipTables* t, const FlipScratch* s, const LaneEvents* events, int v) {
  const float* q = s->q + v * kLanes;
  for (uint32_t i = 0; i < events->count; ++i) {
    const float* column = t->centered_by_dim + static_cast<size_t>(events->dims[i]) * t->classes;
    Vec even = Set(0.0f);
    Vec odd = Set(0.0f);
    uint32_t c = 0;
    for (; c + 2 <= t->classes; c += 2) {
      even = MulAdd(Load(q + c * kTileLanes), Set(column[c]), even);
      odd = MulAdd(Load(q + (c + 1) * kTileLanes), Set(column[c + 1]), odd);
    }
    if (c < t->classes) even = MulAdd(Load(q + c * kTileLanes), Set(column[c]), even);
    Store(s->event_gradient + i * kLanes, Add(even, odd));
  }
}

// u of the lanes whose element differs from the one value of all anchors: that dimension counts after all.
static void AddUnshared(const FlipTables* t, const FlipScratch* s, const LaneEvents* events, int v) {
  for (uint32_t i = 0; i < events->count; ++i) {
    const uint32_t j = events->dims[i];
    if (t->one_value[j] == 0) continue;
    const float* column = t->centered_by_dim + static_cast<size_t>(j) * t->classes;
    const Vec gradient = Select(MaskOf(events->lanes[i]), Load(s->event_gradient + i * kLanes), Set(0.0f));
    for (uint32_t c = 0; c < t->classes; ++c) {
      float* u = s->u + c * kTileLanes + v * kLanes;
      Store(u, MulAdd(gradient, Set(column[c]), Load(u)));
    }
  }
}

// What u loses for anchor k, into scratch->masked; returns the lanes that share something with it.
static unsigned MaskGains(const FlipTables* t, const FlipScratch* s, const LaneEvents* events, uint32_t k) {
  const float* anchor = t->anchor_rows + static_cast<size_t>(k) * t->dim;
  unsigned touched = 0;
  for (uint32_t i = 0; i < events->count; ++i) {
    const uint32_t j = events->dims[i];
    if (t->one_value[j] != 0) continue;
    const Mask equal = Equal(Load(events->values + static_cast<size_t>(i) * kLanes), Set(anchor[j]));
    if (Bits(equal) == 0) continue;
    if (touched == 0) {
      for (uint32_t c = 0; c < t->classes; ++c) Store(s->masked + c * kLanes, Set(0.0f));
    }
    touched |= Bits(equal);
    const float* column = t->centered_by_dim + static_cast<size_t>(j) * t->classes;
    const Vec gradient = Select(equal, Sub(Set(0.0f), Load(s->event_gradient + i * kLanes)), Set(0.0f));
    for (uint32_t c = 0; c < t->classes; ++c) {
      float* masked = s->masked + c * kLanes;
      Store(masked, MulAdd(gradient, Set(column[c]), Load(masked)));
    }
  }
  return touched;
}

// The smallest cap over all anchors of the lanes that share values with some, of vector v: as
// FarthestAnchorLanes, whose results the other lanes keep. Takes and returns the lanes that float32 can vouch
// for.
static unsigned SharedLanes(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                            const LaneEvents* events, Vec norm2, LanesOutput* o, unsigned sound) {
  const int v = f->vector;
  Vec best = Set(INFINITY);
  Vec runner_up = Set(INFINITY);
  Vec lowest = Set(INFINITY);
  Vec highest = Set(INFINITY);
  Int anchor = SetInt(-1);
  Int to = SetInt(-1);
  Mask safe = Equal(Set(0.0f), Set(0.0f));
  unsigned shares = 0;
  const Vec gain_error = Mul(Set(3.0f), f->gain_error);
  const FirstFlip free = FirstFlipLanes(t, s, f, nullptr, gain_error);
  for (uint32_t k = 0; k < t->anchors; ++k) {
    const unsigned touched = MaskGains(t, s, events, k);
    shares |= touched;
    const FirstFlip step = touched != 0 ? FirstFlipLanes(t, s, f, s->masked, gain_error) : free;
    const Vec product = Load(s->lanes + (t->classes + k) * kTileLanes + v * kLanes);
    const Vec norms = Add(norm2, Set(t->anchor_norm2[k]));
    const Vec distance2 = MulAdd(product, Set(-2.0f), norms);
    const Vec relative =
        Add(Div(f->gain_error, f->gradient2), Div(Mul(Set(kDistanceError), norms), distance2));
    const Vec scale = Mul(Set(t->sqrt_dim), Div(Sqrt(f->gradient2), Sqrt(distance2)));
    const Vec cap = Mul(step.at, scale);
    // Written so that NaN fails.
    safe = And(safe, Greater(Set(0.5f), relative));
    safe =
        And(safe, And(Greater(f->gradient2, Set(kLeastLength2)), Greater(Set(kMostLength2), f->gradient2)));
    safe = And(safe, Greater(Set(kMostLength2), distance2));
    safe = And(safe, And(AtLeast(step.at, step.lowest), AtLeast(step.highest, step.at)));
    const Mask better = Greater(best, cap);
    runner_up = Select(better, best, Select(Greater(cap, best), Min(cap, runner_up), runner_up));
    anchor = SelectInt(better, SetInt(static_cast<int32_t>(k)), anchor);
    to = SelectInt(better, step.to, to);
    best = Select(better, cap, best);
    lowest = Min(Mul(Mul(step.lowest, scale), Sub(Set(1.0f), relative)), lowest);
    highest = Min(Mul(Mul(step.highest, scale), Add(Set(1.0f), relative)), highest);
  }
  if (shares == 0) return sound;
  const Vec band = MulAdd(best, Set(kBandRelative), Set(kBandAbsolute));
  safe = And(safe, And(AtLeast(band, Sub(highest, best)), AtLeast(band, Sub(best, lowest))));
  safe = And(safe, Greater(Sub(runner_up, best), Mul(Set(4 * kEpsilon), best)));
  const Mask here = MaskOf(shares);
  Store(o->flip_cap, Select(here, best, Load(o->flip_cap)));
  StoreInt(o->flip_anchor, SelectInt(here, anchor, LoadInt(o->flip_anchor)));
  StoreInt(o->flip_to, SelectInt(here, to, LoadInt(o->flip_to)));
  return (sound & ~shares) | (Bits(safe) & shares);
}
