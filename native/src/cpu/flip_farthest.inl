// Of |A_k - z|^2, of the two squared norms' sum and the product.
static inline Vec DistanceError(Vec norms, Vec product) {
  const Vec size = Max(product, Sub(Set(0.0f), product));
  return MulAdd(size, Set(kAlignedDistanceError), Mul(norms, Set(kDistanceError)));
}

// Flip caps for rows whose rays all have the same gains: only the farthest anchor can give the smallest cap.
// `open`: the lanes whose prediction float32 can vouch for; returns those of them whose flip it can, too.
static unsigned FarthestAnchorLanes(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                                    const TileRows* tile, Vec norm2, unsigned open, LanesOutput* o) {
  const float* products = s->lanes + t->classes * kTileLanes + f->vector * kLanes;
  Vec far = Set(-INFINITY);
  Vec runner_up = Set(-INFINITY);
  Vec far_product = Set(0.0f);
  Int anchor = SetInt(0);
  for (uint32_t k = 0; k < t->anchors; ++k) {
    const Vec product = Load(products + k * kTileLanes);
    const Vec distance2 = MulAdd(product, Set(-2.0f), Add(norm2, Set(t->anchor_norm2[k])));
    const Mask farther = Greater(distance2, far);
    const Vec tied = Select(Equal(distance2, far), runner_up, Max(runner_up, distance2));
    runner_up = Select(farther, far, tied);
    far = Select(farther, distance2, far);
    far_product = Select(farther, product, far_product);
    anchor = SelectInt(farther, SetInt(static_cast<int32_t>(k)), anchor);
  }
  const FirstFlip step = FirstFlipLanes(t, s, f);
  const Vec scale = Mul(Set(t->sqrt_dim), Div(Sqrt(f->gradient2), Sqrt(far)));
  const Vec cap = Mul(step.at, scale);
  const Vec distance_error = DistanceError(Add(norm2, Set(t->anchor_norm2_max)), far_product);
  const Vec relative = Add(Div(f->gain_error, f->gradient2), Div(distance_error, far));
  const Vec error =
      MulAdd(cap, relative, Mul(scale, Max(Sub(step.highest, step.at), Sub(step.at, step.lowest))));
  Store(o->flip_cap, cap);
  StoreInt(o->flip_anchor, anchor);
  StoreInt(o->flip_to, step.to);
  // Written so that NaN fails.
  const unsigned close = Bits(Greater(MulAdd(cap, Set(kBandRelative), Set(kBandAbsolute)), error));
  open &= Bits(Greater(Sub(far, runner_up), distance_error));
  open &= Bits(And(Greater(f->gradient2, Set(kLeastLength2)), Greater(Set(kMostLength2), f->gradient2)));
  open &= Bits(And(Greater(far, Set(kLeastLength2)), Greater(Set(kMostLength2), far)));
  const unsigned refine = open & ~close;
  if (refine == 0) return open;
  return (open & close) | RefineLanes(t, s, f, tile, &step, scale, relative, refine, o);
}
