// The pseudo-label's gradient g where a row's elements need a look of their own (LaneEvents), and the gains
// of rows that don't hold a silent dimension's one value.

// g at dimension j, of vector v.
static inline Vec GradientAt(const FlipTables* t, const FlipScratch* s, const FlipLanes* f, uint32_t j) {
  const float* q = s->q + f->vector * kLanes;
  const float* column = t->centered_by_dim + static_cast<size_t>(j) * t->class_stride;
  Vec even = Set(0.0f);
  Vec odd = Set(0.0f);
  if (f->likely < t->classes) {
    // The same sums without the zeros.
    for (uint32_t i = 0; i < f->likely; ++i) {
      const uint32_t c = s->likely[i];
      Vec* sum = c % 2 == 0 ? &even : &odd;
      *sum = MulAdd(Load(q + c * kTileLanes), Set(column[c]), *sum);
    }
    return Add(even, odd);
  }
  uint32_t c = 0;
  for (; c + 2 <= t->classes; c += 2) {
    even = MulAdd(Load(q + c * kTileLanes), Set(column[c]), even);
    odd = MulAdd(Load(q + (c + 1) * kTileLanes), Set(column[c + 1]), odd);
  }
  if (c < t->classes) even = MulAdd(Load(q + c * kTileLanes), Set(column[c]), even);
  return Add(even, odd);
}

// u of the lanes whose element differs from the one value of all anchors: that dimension counts after all.
static void AddUnshared(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                        const LaneEvents* events) {
  for (uint32_t i = 1; i <= events->unshared_count; ++i) {
    const uint32_t j = events->dims[t->dim - i];
    const float* column = t->centered_by_dim + static_cast<size_t>(j) * t->class_stride;
    const Mask here = MaskOf(events->lanes[t->dim - i]);
    const Vec gradient = Select(here, GradientAt(t, s, f, j), Set(0.0f));
    for (uint32_t c = 0; c < t->classes; ++c) {
      float* u = s->u + c * kTileLanes + f->vector * kLanes;
      Store(u, MulAdd(gradient, Set(column[c]), Load(u)));
    }
  }
}

// g at the dimensions of the shared events, row after row, into scratch->event_gradient.
static void GradientsAtShared(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                              const LaneEvents* events) {
  for (uint32_t first = 0; first < events->shared_count; first += kLanes) {
    Vec square[kLanes];
    for (uint32_t i = 0; i < kLanes; ++i) {
      const bool listed = first + i < events->shared_count;
      square[i] = listed ? GradientAt(t, s, f, events->dims[first + i]) : Set(0.0f);
    }
    TransposeSquare(square);
    for (int r = 0; r < kLanes; ++r)
      Store(s->event_gradient + static_cast<size_t>(r) * t->event_stride + first, square[r]);
  }
}
