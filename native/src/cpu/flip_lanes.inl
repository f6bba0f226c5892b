// The flip search's epilogue for kLanes rows at once, one row a lane: vector `vector` of a tile.

struct FlipLanes {
  int vector;
  Vec label_logit;
  Vec second_logit;
  Vec doubt;     // 1 - p_y, without the cancellation
  Vec others;    // 1 - the largest r: what an error of the logits does to q
  Vec variance;  // p_y (1 - p_y): what an error of the logits does to the probabilities
  Vec logit_error;
  Vec gain_error;
  Vec gradient2;  // |g|^2
  Int label;
  uint32_t likely;  // q's other classes than these of scratch->likely are zero; C: no list
};

struct LanesOutput {
  float confidence[kLanes], margin[kLanes], entropy[kLanes], flip_cap[kLanes];
  int32_t label[kLanes], flip_anchor[kLanes], flip_to[kLanes];
};

// Adds the bias, finds the pseudo-label and the runner-up, and the prediction's confidence, margin and
// entropy; leaves q = r - e_y in scratch->q (r: softmax over the classes other than y).
static void PredictLanes(const FlipTables* t, const FlipScratch* s, FlipLanes* f, LanesOutput* o) {
  float* logits = s->lanes + f->vector * kLanes;
  float* q = s->q + f->vector * kLanes;
  Vec top = Set(-INFINITY);
  Vec second = Set(-INFINITY);
  Int label = SetInt(0);
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Vec logit = Add(Load(logits + c * kTileLanes), Set(t->bias[c]));
    Store(logits + c * kTileLanes, logit);
    label = SelectInt(Greater(logit, top), SetInt(static_cast<int32_t>(c)), label);
    second = Max(second, Min(logit, top));
    top = Max(top, logit);
  }
  Vec sum = Set(0.0f);
  Vec spread = Set(0.0f);
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Vec below = Sub(second, Load(logits + c * kTileLanes));
    const Mask own = EqualInt(label, SetInt(static_cast<int32_t>(c)));
    const Vec e = Select(own, Set(0.0f), Exp(Sub(Set(0.0f), below)));
    sum = Add(sum, e);
    spread = Select(own, spread, MulAdd(e, below, spread));
    Store(q + c * kTileLanes, e);
  }
  const Vec inverse = Div(Set(1.0f), sum);
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Mask own = EqualInt(label, SetInt(static_cast<int32_t>(c)));
    Store(q + c * kTileLanes, Select(own, Set(-1.0f), Mul(Load(q + c * kTileLanes), inverse)));
  }
  const Vec gap = Sub(top, second);
  const Vec second_odds = Exp(Sub(second, top));
  const Vec odds = Mul(sum, second_odds);
  const Vec likely = Div(Set(1.0f), Add(Set(1.0f), odds));
  Store(o->confidence, likely);
  Store(o->margin, Mul(Sub(Set(1.0f), second_odds), likely));
  f->others = Sub(Set(1.0f), inverse);
  f->doubt = Mul(odds, likely);
  f->variance = Mul(likely, f->doubt);
  Store(o->entropy, MulAdd(f->doubt, MulAdd(spread, inverse, gap), Log1p(odds)));
  StoreInt(o->label, label);
  f->label_logit = top;
  f->second_logit = second;
  f->label = label;
}

struct FirstFlip {
  Vec at;
  Vec lowest;
  Vec highest;
  Int to;
};

// The first flip along the ray with gains scratch->u, and how far rounding may have moved it.
static FirstFlip FirstFlipLanes(const FlipTables* t, const FlipScratch* s, const FlipLanes* f) {
  const float* u = s->u + f->vector * kLanes;
  const float* logits = s->lanes + f->vector * kLanes;
  const Vec zero = Set(0.0f);
  Vec label_u = zero;
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Vec rate = Load(u + c * kTileLanes);
    label_u = Select(EqualInt(f->label, SetInt(static_cast<int32_t>(c))), rate, label_u);
  }
  FirstFlip flip = {Set(INFINITY), Set(INFINITY), Set(INFINITY), SetInt(-1)};
  for (uint32_t c = 0; c < t->classes; ++c) {
    const Mask own = EqualInt(f->label, SetInt(static_cast<int32_t>(c)));
    const Vec rate = Load(u + c * kTileLanes);
    const Vec lead = Sub(f->label_logit, Load(logits + c * kTileLanes));
    const Vec gain = Select(own, Set(-INFINITY), Sub(rate, label_u));
    const Vec at = Select(Greater(gain, zero), Div(lead, gain), Set(INFINITY));
    flip.to = SelectInt(Greater(flip.at, at), SetInt(static_cast<int32_t>(c)), flip.to);
    flip.at = Min(at, flip.at);
    const Vec gain_up = Add(gain, f->gain_error);
    flip.lowest = Min(Select(Greater(gain_up, zero), Div(Sub(lead, f->logit_error), gain_up), Set(INFINITY)),
                      flip.lowest);
    const Vec gain_down = Sub(gain, f->gain_error);
    flip.highest =
        Min(Select(Greater(gain_down, zero), Div(Add(lead, f->logit_error), gain_down), Set(INFINITY)),
            flip.highest);
  }
  return flip;
}
