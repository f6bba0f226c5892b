// Rows that share values with anchors. There alpha is 0, so u loses what those dimensions gave:
//   u_k = u - W (g * (1 - m_k)) / |g|.
// The Gram matrix already leaves out the dimensions where all anchors hold one value (a silent ReLU unit):
// most rows hold it too, and those that don't get it back (flip_events.inl). What is left are elements that
// equal some anchor's elsewhere. They are taken row by row: which classes can give the smallest cap at all
// (flip_reach.inl), then those classes' steps to all anchors, kLanes anchors at once.

// A few reachable classes' steps to kVectors vectors of anchors from k: the first flips into scratch->step_*,
// where `fresh` is false after those of the classes before.
template <int kClasses, int kVectors>
static inline void StepsToAnchors(const FlipTables* t, const FlipScratch* s, const SharedRow* row,
                                  const uint32_t* classes, uint32_t k, bool fresh) {
  const float* anchors = t->anchors_by_dim + k;
  Vec change[kClasses][kVectors];
  for (int r = 0; r < kClasses; ++r) {
    for (int a = 0; a < kVectors; ++a) change[r][a] = Set(0.0f);
  }
  for (uint32_t i = 0; i < row->events; ++i) {
    const float* at = anchors + static_cast<size_t>(s->shared_dims[i]) * t->anchor_stride;
    const Vec value = Set(s->shared_values[i]);
    const float* loss = s->shared_loss + static_cast<size_t>(i) * kReachChunk;
    ALFAMIX_UNROLL
    for (int a = 0; a < kVectors; ++a) {
      const Mask equal = Equal(Load(at + a * kLanes), value);
      ALFAMIX_UNROLL
      for (int r = 0; r < kClasses; ++r)
        change[r][a] = Select(equal, Sub(change[r][a], Set(loss[r])), change[r][a]);
    }
  }
  const Vec zero = Set(0.0f);
  const Vec gain_error = Set(row->gain_error);
  for (int a = 0; a < kVectors; ++a) {
    const uint32_t place = k + static_cast<uint32_t>(a) * kLanes;
    FirstFlip flip = {Set(INFINITY), Set(INFINITY), Set(INFINITY), SetInt(-1)};
    if (!fresh)
      flip = {Load(s->step_at + place), Load(s->step_lowest + place), Load(s->step_highest + place),
              LoadInt(s->step_to + place)};
    for (int r = 0; r < kClasses; ++r) {
      const Vec gain = Add(change[r][a], Set(s->class_gain[classes[r]]));
      const float lead = s->class_lead[classes[r]];
      const Vec at = Select(Greater(gain, zero), Div(Set(lead), gain), Set(INFINITY));
      flip.to = SelectInt(Greater(flip.at, at), SetInt(static_cast<int32_t>(classes[r])), flip.to);
      flip.at = Min(at, flip.at);
      const Vec up = Add(gain, gain_error);
      const Vec low = Div(Set(lead - row->logit_error), up);
      flip.lowest = Min(Select(Greater(up, zero), low, Set(INFINITY)), flip.lowest);
      const Vec down = Sub(gain, gain_error);
      const Vec high = Div(Set(lead + row->logit_error), down);
      flip.highest = Min(Select(Greater(down, zero), high, Set(INFINITY)), flip.highest);
    }
    Store(s->step_at + place, flip.at);
    Store(s->step_lowest + place, flip.lowest);
    Store(s->step_highest + place, flip.highest);
    StoreInt(s->step_to + place, flip.to);
  }
}

// The same to all anchors: kVectors vectors at once, as many sums as hide an addition's latency.
template <int kClasses, int kVectors>
static void StepsOfClasses(const FlipTables* t, const FlipScratch* s, const SharedRow* row,
                           const uint32_t* classes, bool fresh) {
  uint32_t k = 0;
  for (; k + kVectors * kLanes <= t->anchor_stride; k += kVectors * kLanes)
    StepsToAnchors<kClasses, kVectors>(t, s, row, classes, k, fresh);
  for (; k < t->anchor_stride; k += kLanes) StepsToAnchors<kClasses, 1>(t, s, row, classes, k, fresh);
}

// The first flips among `count` classes of scratch->reachable on the way to every anchor.
static void StepsOfReachable(const FlipTables* t, const FlipScratch* s, const SharedRow* row,
                             uint32_t count) {
  for (uint32_t first = 0; first < count; first += kReachChunk) {
    const uint32_t* classes = s->reachable + first;
    const uint32_t n = count - first < kReachChunk ? count - first : kReachChunk;
    for (uint32_t i = 0; i < row->events; ++i) {
      const float* column = t->centered_by_dim + static_cast<size_t>(s->shared_dims[i]) * t->class_stride;
      const float own = column[row->label];
      float* loss = s->shared_loss + static_cast<size_t>(i) * kReachChunk;
      for (uint32_t r = 0; r < n; ++r) loss[r] = s->shared_gradient[i] * (column[classes[r]] - own);
    }
    if (n == 1) {
      StepsOfClasses<1, 4>(t, s, row, classes, first == 0);
    } else if (n == 2) {
      StepsOfClasses<2, 2>(t, s, row, classes, first == 0);
    } else if (n == 3) {
      StepsOfClasses<3, 1>(t, s, row, classes, first == 0);
    } else {
      StepsOfClasses<kReachChunk, 1>(t, s, row, classes, first == 0);
    }
  }
}

// The smallest of the caps of scratch->step_*, its anchor and class, into o; returns whether float32 can
// vouch for it. Of equal caps the first anchor's.
static bool SmallestCap(const FlipTables* t, const FlipScratch* s, const SharedRow* row, LanesOutput* o) {
  Vec best = Set(INFINITY);
  Vec runner_up = Set(INFINITY);
  Vec lowest = Set(INFINITY);
  Vec highest = Set(INFINITY);
  Int anchor = SetInt(-1);
  Mask safe = Equal(Set(0.0f), Set(0.0f));
  const Vec norm2 = Set(row->norm2);
  const Vec gain_relative = Set(row->gain_error / 3 / row->gradient2);
  const Vec length = Set(t->sqrt_dim * sqrtf(row->gradient2));
  for (uint32_t k = 0; k < t->anchors; k += kLanes) {
    float products[kLanes] = {0};
    int32_t places[kLanes];
    const uint32_t n = t->anchors - k < kLanes ? t->anchors - k : kLanes;
    for (uint32_t i = 0; i < kLanes; ++i) places[i] = static_cast<int32_t>(k + i);
    for (uint32_t i = 0; i < n; ++i) products[i] = row->products[static_cast<size_t>(k + i) * kTileLanes];
    const Vec norms = Add(norm2, Load(t->anchor_norm2 + k));
    const Vec product = Load(products);
    const Vec distance2 = MulAdd(product, Set(-2.0f), norms);
    const Vec relative = Add(gain_relative, Div(DistanceError(norms, product), distance2));
    const Vec scale = Div(length, Sqrt(distance2));
    const Vec at = Load(s->step_at + k);
    const Vec low = Load(s->step_lowest + k);
    const Vec high = Load(s->step_highest + k);
    const Mask none = MaskOf(n < kLanes ? kAllLanes << n & kAllLanes : 0);
    // Written so that NaN fails.
    const Mask lengths = And(Greater(distance2, Set(kLeastLength2)), Greater(Set(kMostLength2), distance2));
    const Mask sound =
        And(And(Greater(Set(0.5f), relative), lengths), And(AtLeast(at, low), AtLeast(high, at)));
    safe = And(safe, Or(sound, none));
    const Vec cap = Select(none, Set(INFINITY), Mul(at, scale));
    const Mask better = Greater(best, cap);
    runner_up = Select(better, best, Select(Greater(cap, best), Min(cap, runner_up), runner_up));
    anchor = SelectInt(better, LoadInt(places), anchor);
    best = Select(better, cap, best);
    const Vec down = Mul(Mul(low, scale), Sub(Set(1.0f), relative));
    const Vec up = Mul(Mul(high, scale), Add(Set(1.0f), relative));
    lowest = Min(Select(none, Set(INFINITY), down), lowest);
    highest = Min(Select(none, Set(INFINITY), up), highest);
  }
  float caps[kLanes], runners_up[kLanes];
  int32_t anchors[kLanes];
  Store(caps, best);
  Store(runners_up, runner_up);
  StoreInt(anchors, anchor);
  const float cap = MinLanes(best);
  float next = MinLanes(runner_up);
  int32_t first = -1;
  for (int i = 0; i < kLanes; ++i) {
    if (caps[i] > cap) {
      next = caps[i] < next ? caps[i] : next;
    } else if (anchors[i] >= 0 && (first < 0 || anchors[i] < first)) {
      first = anchors[i];
    }
  }
  o->flip_cap[row->lane] = cap;
  o->flip_anchor[row->lane] = first;
  o->flip_to[row->lane] = first < 0 ? -1 : s->step_to[first];
  const float band = cap * kBandRelative + kBandAbsolute;
  // Written so that NaN fails.
  return Bits(safe) == kAllLanes && row->gradient2 > kLeastLength2 && kMostLength2 > row->gradient2 &&
         band >= MinLanes(highest) - cap && band >= cap - MinLanes(lowest) && next - cap > 4 * kEpsilon * cap;
}

// The smallest cap over all anchors of the lanes `open`, which share values with some; starts from
// FarthestAnchorLanes' anchors. Returns those of them that float32 can vouch for.
static unsigned SharedLanes(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                            const TileRows* tile, const LaneEvents* events, Vec norm2, unsigned open,
                            LanesOutput* o) {
  float label_logit[kLanes], logit_error[kLanes], gain_error[kLanes], gradient2[kLanes], norms[kLanes];
  Store(label_logit, f->label_logit);
  Store(logit_error, f->logit_error);
  Store(gain_error, Mul(Set(3.0f), f->gain_error));
  Store(gradient2, f->gradient2);
  Store(norms, norm2);
  GradientsAtShared(t, s, f, events);
  unsigned sound = 0;
  for (; open != 0; open &= open - 1) {
    const int lane = static_cast<int>(FirstBit(open));
    const float* z = FloatRow(t, s, tile, f->vector * kLanes + lane);
    const SharedRow row = {lane,
                           o->label[lane],
                           ListShared(t, s, events, lane, z),
                           label_logit[lane],
                           logit_error[lane],
                           gain_error[lane],
                           gradient2[lane],
                           norms[lane],
                           s->lanes + t->classes * kTileLanes + f->vector * kLanes + lane};
    const uint32_t count = ReachableClasses(t, s, f, &row, o->flip_anchor[lane]);
    if (count == 0) continue;
    StepsOfReachable(t, s, &row, count);
    if (SmallestCap(t, s, &row, o)) sound |= 1u << lane;
  }
  return sound;
}
