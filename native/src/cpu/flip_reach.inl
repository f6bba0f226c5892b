// Which classes can give the smallest flip cap of a row that shares values with anchors. What a class gains
// on the way to any anchor is at most its gain without shared values, plus all that shared values could add;
// the farthest anchor's cap is one the smallest can't exceed. A head sure of itself leaves two of a hundred
// classes.

struct SharedRow {
  int lane;
  int32_t label;
  uint32_t events;  // in scratch->shared_*
  float label_logit;
  float logit_error;
  float gain_error;
  float gradient2;
  float norm2;
  const float* products;  // with the anchors, K x kTileLanes apart
};

// The row's elements that equal some anchor's, into scratch->shared_*; returns how many. z: the row.
static uint32_t ListShared(const FlipTables* t, const FlipScratch* s, const LaneEvents* events, int lane,
                           const float* z) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < events->shared_count; ++i) {
    s->shared_dims[count] = i;
    count += events->lanes[i] >> lane & 1u;
  }
  const float* gradient = s->event_gradient + static_cast<size_t>(lane) * t->event_stride;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t event = s->shared_dims[i];
    const uint32_t j = events->dims[event];
    s->shared_gradient[i] = gradient[event];
    s->shared_dims[i] = j;
    s->shared_values[i] = z[j];
  }
  return count;
}

// Leads and gains of the row's classes into scratch->class_*; the label and what pads the vectors never lead.
static void ClassesOfRow(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                         const SharedRow* row) {
  const size_t first = static_cast<size_t>(f->vector) * kLanes + row->lane;
  const float* u = s->u + first;
  const float* logits = s->lanes + first;
  const float label_u = u[static_cast<size_t>(row->label) * kTileLanes];
  uint32_t c = 0;
  for (; c < t->classes; ++c) {
    s->class_lead[c] = row->label_logit - logits[static_cast<size_t>(c) * kTileLanes];
    s->class_gain[c] = u[static_cast<size_t>(c) * kTileLanes] - label_u;
  }
  s->class_lead[row->label] = INFINITY;
  for (; c % kLanes != 0; ++c) {
    s->class_lead[c] = INFINITY;
    s->class_gain[c] = 0.0f;
  }
}

// What the row's element in dimension j adds to the gains of kLanes classes from c where it is shared.
static inline Vec AddedGain(const FlipTables* t, const SharedRow* row, size_t j, float gradient, uint32_t c) {
  const float* column = t->centered_by_dim + j * t->class_stride;
  return Mul(Sub(Set(column[row->label]), Load(column + c)), Set(gradient));
}

// The most that shared values can add to the gains of kLanes classes from c.
static inline Vec MostAdded(const FlipTables* t, const FlipScratch* s, const SharedRow* row, uint32_t c) {
  const Vec zero = Set(0.0f);
  Vec even = zero;
  Vec odd = zero;
  uint32_t i = 0;
  for (; i + 2 <= row->events; i += 2) {
    even = Add(even, Max(AddedGain(t, row, s->shared_dims[i], s->shared_gradient[i], c), zero));
    odd = Add(odd, Max(AddedGain(t, row, s->shared_dims[i + 1], s->shared_gradient[i + 1], c), zero));
  }
  if (i < row->events)
    even = Add(even, Max(AddedGain(t, row, s->shared_dims[i], s->shared_gradient[i], c), zero));
  return Add(even, odd);
}

// An upper bound of the first step to anchor k that flips the row.
static float FirstStepTo(const FlipTables* t, const FlipScratch* s, const SharedRow* row, uint32_t k) {
  const float* anchor = t->anchor_rows + static_cast<size_t>(k) * t->dim;
  uint32_t count = 0;
  for (uint32_t i = 0; i < row->events; ++i) {
    s->to_anchor[count] = i;
    count += anchor[s->shared_dims[i]] == s->shared_values[i] ? 1u : 0u;
  }
  Vec first = Set(INFINITY);
  for (uint32_t c = 0; c < t->classes; c += kLanes) {
    Vec gain = Set(0.0f);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t event = s->to_anchor[i];
      gain = Add(gain, AddedGain(t, row, s->shared_dims[event], s->shared_gradient[event], c));
    }
    const Vec down = Sub(Add(gain, Load(s->class_gain + c)), Set(row->gain_error));
    const Vec high = Div(Add(Load(s->class_lead + c), Set(row->logit_error)), down);
    first = Min(Select(Greater(down, Set(0.0f)), high, Set(INFINITY)), first);
  }
  return MinLanes(first);
}

// The classes that may flip the row at its smallest cap, ascending, into scratch->reachable; returns how
// many. `farthest`: the farthest anchor, up to rounding.
static uint32_t ReachableClasses(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                                 const SharedRow* row, int32_t farthest) {
  ClassesOfRow(t, s, f, row);
  const uint32_t k = static_cast<uint32_t>(farthest);
  // A cap is a step by a length over the anchor's distance: no anchor is farther than this one, but for
  // rounding.
  const float norms = row->norm2 + t->anchor_norm2_max;
  const float far = row->norm2 + t->anchor_norm2[k] - 2 * row->products[static_cast<size_t>(k) * kTileLanes];
  // Twice a product is at most the norms' sum.
  const float error = (kDistanceError + kAlignedDistanceError) * norms;
  const Vec limit = Set(FirstStepTo(t, s, row, k) * (1 + 2 * error / far));
  const Vec zero = Set(0.0f);
  uint32_t count = 0;
  for (uint32_t c = 0; c < t->classes; c += kLanes) {
    const Vec lead = Load(s->class_lead + c);
    // A long sum's own rounding is far below a thousandth.
    const Vec added = Mul(MostAdded(t, s, row, c), Set(1.001f));
    const Vec most = Add(Add(added, Load(s->class_gain + c)), Set(row->gain_error));
    // Written so that NaN stays.
    const Mask late = Greater(Sub(lead, Set(row->logit_error)), Mul(limit, most));
    const Mask out = Or(Or(late, AtLeast(zero, most)), Equal(lead, Set(INFINITY)));
    for (unsigned in = ~Bits(out) & kAllLanes; in != 0; in &= in - 1)
      s->reachable[count++] = c + FirstBit(in);
  }
  return count;
}
