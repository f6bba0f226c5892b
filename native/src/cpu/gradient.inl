// The pseudo-label's gradient of a block: product and prediction as the flip search makes them, then along
// the dimensions, row by row,
//   W^T (p - e_y) = (1 - p_y) sum over c of r_c (w_c - w_y),  r = softmax over the classes other than y,
// which no confident head cancels.

// direction[j] = sum of factors[c] (w_c - w_y)_j for kVectors vectors from dimension j; returns the sum of
// its squares, lane by lane.
template <int kVectors>
static inline Vec GradientAlong(const WeightRows* weight, const float* factors, uint32_t classes,
                                const float* own, uint32_t j, float* direction) {
  Vec sum[kVectors], from[kVectors];
  ALFAMIX_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    sum[v] = Set(0.0f);
    from[v] = Load(own + j + v * kLanes);
  }
  for (uint32_t c = 0; c < classes; ++c) {
    if (factors[c] == 0.0f) continue;
    const Vec factor = Set(factors[c]);
    const float* row = weight->data + static_cast<size_t>(c) * weight->stride + j;
    ALFAMIX_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      sum[v] = MulAdd(factor, Sub(Load(row + v * kLanes), from[v]), sum[v]);
    }
  }
  Vec squares = Set(0.0f);
  ALFAMIX_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    Store(direction + j + v * kLanes, sum[v]);
    squares = MulAdd(sum[v], sum[v], squares);
  }
  return squares;
}

// The direction of one row into `direction` (weight->stride floats); returns its squared norm.
static float DirectionOf(const WeightRows* weight, const float* factors, uint32_t classes, int32_t label,
                         float* direction) {
  const float* own = weight->data + static_cast<size_t>(label) * weight->stride;
  Vec squares = Set(0.0f);
  uint32_t j = 0;
  for (; j + 4 * kLanes <= weight->stride; j += 4 * kLanes)
    squares = Add(squares, GradientAlong<4>(weight, factors, classes, own, j, direction));
  for (; j < weight->stride; j += kLanes)
    squares = Add(squares, GradientAlong<1>(weight, factors, classes, own, j, direction));
  return SumLanes(squares);
}

// Well above the subnormal numbers, a part of any of the squares summed included.
static const float kLeastSquare = 1e-30f;

static void GradientTile(const FlipTables* t, const WeightRows* weight, bool unit, const TileRows* tile,
                         int first, int n, const FlipScratch* s, const GradientBlockOutput* out,
                         uint8_t* recheck) {
  float norm2[kTileLanes];
  LaneEvents none[kTileVectors];
  ScanTile<LookUp::kNone>(t, s, tile, norm2, none);
  for (int v = 0; v < kTileVectors && v * kLanes < n; ++v) {
    FlipLanes f;
    LanesOutput o;
    f.vector = v;
    PredictLanes(t, s, &f, &o);
    float doubt[kLanes];
    Store(doubt, f.doubt);
    const Vec error = LogitError(t, &f, Load(norm2 + v * kLanes));
    // Written so that NaN fails.
    const unsigned sound = Bits(
        And(Greater(Sub(f.label_logit, f.second_logit), error), Greater(Set(kGradientLogitError), error)));
    for (int r = 0; r < kLanes && v * kLanes + r < n; ++r) {
      const int row = first + v * kLanes + r;
      for (uint32_t c = 0; c < t->classes; ++c) s->row[c] = s->q[c * kTileLanes + v * kLanes + r];
      s->row[o.label[r]] = 0.0f;
      const float length2 = DirectionOf(weight, s->row, t->classes, o.label[r], s->gradient);
      const float least = kGradientLeft * t->weight_norm;
      // Squares that overflow, or lose digits below the normal numbers, say nothing of the length.
      const bool kept = length2 > least * least && length2 > kLeastSquare && length2 < INFINITY;
      const float scale = unit ? 1.0f / sqrtf(length2) : doubt[r];
      float* to = out->gradient + static_cast<size_t>(row) * t->dim;
      for (uint32_t j = 0; j < t->dim; ++j) to[j] = scale * s->gradient[j];
      out->pseudo_label[row] = o.label[r];
      recheck[row] = (sound >> r & 1u) == 0 || !kept;
    }
  }
}

static void GradientBlock(const FlipTables* t, const WeightRows* weight, bool unit, const float* rows, int n,
                          const FlipScratch* s, const GradientBlockOutput* out, uint8_t* recheck) {
  for (int first = 0; first < n; first += kTileLanes) {
    const TileRows tile =
        RowsOfTile(rows + static_cast<size_t>(first) * t->dim, DType::kFloat32, t->dim, n - first);
    const int rest = n - first < kTileLanes ? n - first : kTileLanes;
    GradientTile(t, weight, unit, &tile, first, rest, s, out, recheck);
  }
}
