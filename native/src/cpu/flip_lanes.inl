// The flip search's epilogue for kLanes rows at once, one row a lane.

struct FlipLanes {
  Vec label_logit;
  Vec second_logit;
  Vec doubt;     // 1 - p_y, without the cancellation
  Vec variance;  // p_y (1 - p_y): what an error of the logits does to the probabilities
  Vec logit_error;
  Vec gain_error;
  Vec gradient2;  // |g|^2
  Vec label_u;
  Int label;
};

// Adds the bias, finds the pseudo-label and the runner-up, and the prediction's confidence, margin and
// entropy; leaves q = r - e_y in scratch->q (r: softmax over the classes other than y).
static void PredictLanes(const FlipTables* t, const FlipScratch* s, FlipLanes* f, float* confidence,
                         float* margin, float* entropy) {
  Vec top = Set(-INFINITY);
  Vec second = Set(-INFINITY);
  Int label = SetInt(0);
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Vec logit = Add(Load(s->lanes + c * kLanes), Set(t->bias[c]));
    Store(s->lanes + c * kLanes, logit);
    label = SelectInt(Greater(logit, top), SetInt(static_cast<int32_t>(c)), label);
    second = Max(second, Min(logit, top));
    top = Max(top, logit);
  }
  Vec sum = Set(0.0f);
  Vec spread = Set(0.0f);
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Vec below = Sub(second, Load(s->lanes + c * kLanes));
    const Mask own = EqualInt(label, SetInt(static_cast<int32_t>(c)));
    const Vec e = Select(own, Set(0.0f), Exp(Sub(Set(0.0f), below)));
    sum = Add(sum, e);
    spread = Select(own, spread, MulAdd(e, below, spread));
    Store(s->q + c * kLanes, e);
  }
  const Vec inverse = Div(Set(1.0f), sum);
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Mask own = EqualInt(label, SetInt(static_cast<int32_t>(c)));
    Store(s->q + c * kLanes, Select(own, Set(-1.0f), Mul(Load(s->q + c * kLanes), inverse)));
  }
  const Vec gap = Sub(top, second);
  const Vec second_odds = Exp(Sub(second, top));
  const Vec odds = Mul(sum, second_odds);
  const Vec likely = Div(Set(1.0f), Add(Set(1.0f), odds));
  Store(confidence, likely);
  Store(margin, Mul(Sub(Set(1.0f), second_odds), likely));
  f->doubt = Mul(odds, likely);
  f->variance = Mul(likely, f->doubt);
  Store(entropy, MulAdd(f->doubt, MulAdd(spread, inverse, gap), Log1p(odds)));
  f->label_logit = top;
  f->second_logit = second;
  f->label = label;
}

// u = G q into scratch->u, and |g|^2 = q . u.
static void GainsLanes(const FlipTables* t, const FlipScratch* s, FlipLanes* f) {
  const uint32_t classes = t->classes;
  Vec gradient2 = Set(0.0f);
  Vec label_u = Set(0.0f);
  for (uint32_t c = 0; c < classes; c += 4) {
    const uint32_t four = classes - c < 4 ? classes - c : 4;
    // Rows past the last class repeat it, so that the inner loop has one shape.
    const float* gram[4];
    for (uint32_t i = 0; i < 4; ++i)
      gram[i] = t->gram + static_cast<size_t>(c + (i < four ? i : 0)) * classes;
    Vec sum[4] = {Set(0.0f), Set(0.0f), Set(0.0f), Set(0.0f)};
    for (uint32_t d = 0; d < classes; ++d) {
      const Vec q = Load(s->q + d * kLanes);
      for (int i = 0; i < 4; ++i) sum[i] = MulAdd(Set(gram[i][d]), q, sum[i]);
    }
    for (uint32_t i = 0; i < four; ++i) {
      Store(s->u + (c + i) * kLanes, sum[i]);
      gradient2 = MulAdd(Load(s->q + (c + i) * kLanes), sum[i], gradient2);
      label_u = Select(EqualInt(f->label, SetInt(static_cast<int32_t>(c + i))), sum[i], label_u);
    }
  }
  f->gradient2 = gradient2;
  f->label_u = label_u;
}

// Flip caps for rows that share no value with any anchor: only the farthest anchor can give the smallest cap.
// Returns the lanes that float32 can vouch for.
static Mask FarthestAnchorLanes(const FlipTables* t, const FlipScratch* s, const FlipLanes* f, Vec norm2,
                                float* flip_cap, int32_t* flip_anchor, int32_t* flip_to) {
  Vec far = Set(-INFINITY);
  Vec runner_up = Set(-INFINITY);
  Int anchor = SetInt(0);
  for (uint32_t k = 0; k < t->anchors; ++k) {
    const Vec product = Load(s->lanes + (t->classes + k) * kLanes);
    const Vec distance2 = MulAdd(product, Set(-2.0f), Add(norm2, Set(t->anchor_norm2[k])));
    const Mask farther = Greater(distance2, far);
    const Vec tied = Select(Equal(distance2, far), runner_up, Max(runner_up, distance2));
    runner_up = Select(farther, far, tied);
    far = Select(farther, distance2, far);
    anchor = SelectInt(farther, SetInt(static_cast<int32_t>(k)), anchor);
  }

  Vec step = Set(INFINITY);
  Vec lowest = Set(INFINITY);
  Vec highest = Set(INFINITY);
  Int to = SetInt(-1);
  const Vec zero = Set(0.0f);
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Mask own = EqualInt(f->label, SetInt(static_cast<int32_t>(c)));
    const Vec lead = Sub(f->label_logit, Load(s->lanes + c * kLanes));
    const Vec gain = Select(own, Set(-INFINITY), Sub(Load(s->u + c * kLanes), f->label_u));
    const Vec at = Select(Greater(gain, zero), Div(lead, gain), Set(INFINITY));
    to = SelectInt(Greater(step, at), SetInt(static_cast<int32_t>(c)), to);
    step = Min(at, step);
    const Vec gain_up = Add(gain, f->gain_error);
    lowest =
        Min(Select(Greater(gain_up, zero), Div(Sub(lead, f->logit_error), gain_up), Set(INFINITY)), lowest);
    const Vec gain_down = Sub(gain, f->gain_error);
    highest = Min(Select(Greater(gain_down, zero), Div(Add(lead, f->logit_error), gain_down), Set(INFINITY)),
                  highest);
  }
  const Vec scale = Mul(Set(t->sqrt_dim), Sqrt(Div(f->gradient2, far)));
  const Vec cap = Mul(step, scale);
  const Vec distance_error = Mul(Set(kDistanceError), Add(norm2, Set(t->anchor_norm2_max)));
  const Vec relative = Add(Div(f->gain_error, f->gradient2), Div(distance_error, far));
  const Vec error = MulAdd(cap, relative, Mul(scale, Max(Sub(highest, step), Sub(step, lowest))));
  Store(flip_cap, cap);
  StoreInt(flip_anchor, anchor);
  StoreInt(flip_to, to);
  // Written so that NaN fails.
  const Mask close = Greater(MulAdd(cap, Set(kBandRelative), Set(kBandAbsolute)), error);
  return And(close, Greater(Sub(far, runner_up), distance_error));
}
