// Rows that share values with anchors. There alpha is 0, so u loses what those dimensions gave:
//   u_k = u - W (g * (1 - m_k)) / |g|.
// Dimensions shared with all anchors (a silent ReLU unit) are taken off once a row, the rest anchor by
// anchor.

struct SharedDims {
  const uint32_t* dims;  // where z equals some anchor
  uint32_t count;
  const float* z;
};

// g at the shared dimensions, into scratch->gradient.
static void GradientAt(const FlipTables* t, const FlipScratch* s, const SharedDims* shared, const float* q) {
  for (uint32_t i = 0; i < shared->count; ++i) {
    const float* column = t->centered_by_dim + static_cast<size_t>(shared->dims[i]) * t->class_stride;
    Vec sum = Set(0.0f);
    for (uint32_t c = 0; c < t->class_stride; c += kLanes) sum = MulAdd(Load(q + c), Load(column + c), sum);
    s->gradient[i] = SumLanes(sum);
  }
}

// common[c] = u[c] - sum of g_j w_jc over the dimensions shared with all anchors, for kVectors vectors from
// class c.
template <int kVectors>
static void SubtractCommon(const FlipTables* t, const FlipScratch* s, const SharedDims* shared,
                           const float* u, float* common, uint32_t c) {
  Vec sum[kVectors];
  ALFAMIX_UNROLL
  for (int v = 0; v < kVectors; ++v) sum[v] = Load(u + c + v * kLanes);
  for (uint32_t i = 0; i < shared->count; ++i) {
    if (!t->one_value[shared->dims[i]]) continue;
    const float* column = t->centered_by_dim + static_cast<size_t>(shared->dims[i]) * t->class_stride + c;
    const Vec factor = Set(-s->gradient[i]);
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[v] = MulAdd(factor, Load(column + v * kLanes), sum[v]);
  }
  ALFAMIX_UNROLL
  for (int v = 0; v < kVectors; ++v) Store(common + c + v * kLanes, sum[v]);
}

// Corrections of u, into scratch->masked: the common part (u included) last, the others only where
// touched[k].
static void MaskGains(const FlipTables* t, const FlipScratch* s, const SharedDims* shared, const float* q,
                      const float* u) {
  const uint32_t stride = t->class_stride;
  float* common = s->masked + static_cast<size_t>(t->anchors) * stride;
  GradientAt(t, s, shared, q);
  uint32_t c = 0;
  for (; c + 2 * kLanes <= stride; c += 2 * kLanes) SubtractCommon<2>(t, s, shared, u, common, c);
  if (c < stride) SubtractCommon<1>(t, s, shared, u, common, c);

  memset(s->touched, 0, t->anchors * sizeof(uint32_t));
  for (uint32_t i = 0; i < shared->count; ++i) {
    const size_t j = shared->dims[i];
    if (t->one_value[j]) continue;
    const float* column = t->centered_by_dim + j * stride;
    const float* anchors = t->anchors_by_dim + j * t->anchor_stride;
    const Vec factor = Set(-s->gradient[i]);
    for (uint32_t first = 0; first < t->anchor_stride; first += kLanes) {
      for (unsigned bits = Bits(Equal(Set(shared->z[j]), Load(anchors + first))); bits != 0;
           bits &= bits - 1) {
        const uint32_t k = first + FirstBit(bits);
        float* masked = s->masked + static_cast<size_t>(k) * stride;
        if (!s->touched[k]) memset(masked, 0, stride * sizeof(float));
        s->touched[k] = 1;
        for (uint32_t d = 0; d < stride; d += kLanes) {
          Store(masked + d, MulAdd(factor, Load(column + d), Load(masked + d)));
        }
      }
    }
  }
}

struct StepBounds {
  float at;
  float lowest;
  float highest;
};

// One row as the anchors' rays see it. `logits` holds -inf at y and in the padding, so those lanes never win.
struct RowView {
  const float* logits;
  float label_logit;
  int32_t label;
  float norm2;
  float gradient2;
  float logit_error;
  float gain_error;
};

// First flip along one anchor's ray.
static StepBounds FirstFlip(const RowView* row, const float* u, uint32_t stride) {
  const float label_u = u[row->label];
  const float gain_error = 3 * row->gain_error;
  Vec at = Set(INFINITY);
  Vec lowest = Set(INFINITY);
  Vec highest = Set(INFINITY);
  const Vec zero = Set(0.0f);
  for (uint32_t c = 0; c < stride; c += kLanes) {
    const Vec lead = Sub(Set(row->label_logit), Load(row->logits + c));
    const Vec gain = Sub(Load(u + c), Set(label_u));
    const Vec gain_up = Add(gain, Set(gain_error));
    const Vec gain_down = Sub(gain, Set(gain_error));
    const Vec error = Set(row->logit_error);
    at = Min(Select(Greater(gain, zero), Div(lead, gain), Set(INFINITY)), at);
    lowest = Min(Select(Greater(gain_up, zero), Div(Sub(lead, error), gain_up), Set(INFINITY)), lowest);
    highest = Min(Select(Greater(gain_down, zero), Div(Add(lead, error), gain_down), Set(INFINITY)), highest);
  }
  return {MinLanes(at), MinLanes(lowest), MinLanes(highest)};
}

// The class that overtakes first along u.
static int32_t FirstClass(const RowView* row, const float* u, uint32_t classes) {
  int32_t to = -1;
  float first = INFINITY;
  for (uint32_t c = 0; c < classes; ++c) {
    const float gain = u[c] - u[row->label];
    const float at = gain > 0 ? (row->label_logit - row->logits[c]) / gain : INFINITY;
    if (at < first) {
      first = at;
      to = static_cast<int32_t>(c);
    }
  }
  return to;
}

// The smallest cap over all anchors, after MaskGains; `products` are the anchors' with the row, kLanes apart.
// Returns whether float32 can vouch for it.
static bool SearchRays(const FlipTables* t, const FlipScratch* s, const RowView* row, const float* products,
                       float* flip_cap, int32_t* flip_anchor, int32_t* flip_to) {
  const uint32_t stride = t->class_stride;
  const float* common = s->masked + static_cast<size_t>(t->anchors) * stride;
  const StepBounds free = FirstFlip(row, common, stride);
  float best = INFINITY;
  float runner_up = INFINITY;
  float lowest = INFINITY;
  float highest = INFINITY;
  int32_t anchor = -1;
  bool sound = true;
  for (uint32_t k = 0; k < t->anchors; ++k) {
    StepBounds step = free;
    if (s->touched[k]) {
      float* masked = s->masked + static_cast<size_t>(k) * stride;
      for (uint32_t c = 0; c < stride; c += kLanes)
        Store(masked + c, Add(Load(masked + c), Load(common + c)));
      step = FirstFlip(row, masked, stride);
    }
    const float norms = row->norm2 + t->anchor_norm2[k];
    const float distance2 = norms - 2.0f * products[k * kLanes];
    const float relative = row->gain_error / row->gradient2 + kDistanceError * norms / distance2;
    const float scale = t->sqrt_dim * sqrtf(row->gradient2 / distance2);
    const float cap = step.at * scale;
    sound = sound && relative < 0.5f && step.lowest <= step.at && step.at <= step.highest;  // NaN fails
    if (cap < best) {
      runner_up = best;
      best = cap;
      anchor = static_cast<int32_t>(k);
    } else if (cap > best && cap < runner_up) {
      runner_up = cap;
    }
    const float low = step.lowest * scale * (1.0f - relative);
    const float high = step.highest * scale * (1.0f + relative);
    lowest = low < lowest ? low : lowest;
    highest = high < highest ? high : highest;
  }
  *flip_cap = best;
  *flip_anchor = anchor;
  *flip_to = -1;
  if (anchor < 0) return false;
  *flip_to = FirstClass(row, s->touched[anchor] ? s->masked + static_cast<size_t>(anchor) * stride : common,
                        t->classes);
  const float band = kBandAbsolute + kBandRelative * best;
  return sound && highest - best <= band && best - lowest <= band && runner_up - best > 4 * kEpsilon * best;
}

// The flip search of the row in lane `lane`, whose prediction and u = G q are in scratch.
static bool SharedRow(const FlipTables* t, const FlipScratch* s, const SharedDims* shared, int lane,
                      RowView* row, float* flip_cap, int32_t* flip_anchor, int32_t* flip_to) {
  const uint32_t stride = t->class_stride;
  float* logits = s->row;
  float* q = logits + stride;
  float* u = q + stride;
  for (uint32_t c = 0; c < stride; ++c) {
    const bool real = c < t->classes;
    logits[c] = real && static_cast<int32_t>(c) != row->label ? s->lanes[c * kLanes + lane] : -INFINITY;
    q[c] = real ? s->q[c * kLanes + lane] : 0.0f;
    u[c] = real ? s->u[c * kLanes + lane] : 0.0f;
  }
  row->logits = logits;
  MaskGains(t, s, shared, q, u);
  return SearchRays(t, s, row, s->lanes + t->classes * kLanes + lane, flip_cap, flip_anchor, flip_to);
}
