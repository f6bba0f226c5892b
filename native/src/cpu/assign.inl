// Nearest and second-nearest center of a block of rows, panel by panel; nothing of size rows x centers is
// stored.

static void AssignBlock(const Panels* panels, const float* half_norms, const float* rows, int n,
                        float* scratch, const TopTwo* out) {
  float* scores = scratch;
  float* best = scores + kBlockRows * kPanelWidth;
  float* second = best + kBlockRows * kLanes;
  int32_t* nearest = reinterpret_cast<int32_t*>(second + kBlockRows * kLanes);
  for (int i = 0; i < n * kLanes; ++i) {
    best[i] = -INFINITY;
    second[i] = -INFINITY;
    nearest[i] = 0;
  }
  int32_t lane_index[kLanes];
  for (int i = 0; i < kLanes; ++i) lane_index[i] = i;

  for (uint32_t column = 0; column < panels->padded; column += kPanelWidth) {
    const uint32_t left = panels->padded - column;
    const uint32_t width = left < kPanelWidth ? left : kPanelWidth;
    ProductPanelOfWidth(width, panels->data + static_cast<size_t>(column) * panels->dim, panels->dim, rows, n,
                        scores, kPanelWidth);
    for (uint32_t v = 0; v < width; v += kLanes) {
      const Vec half_norm = Load(half_norms + column + v);
      const Int first_lane = SetInt(static_cast<int32_t>(column + v));
      for (int r = 0; r < n; ++r) {
        const Vec score = Sub(Load(scores + r * kPanelWidth + v), half_norm);
        const Vec old = Load(best + r * kLanes);
        const Mask better = Greater(score, old);
        Store(second + r * kLanes, Max(Load(second + r * kLanes), Min(score, old)));
        Store(best + r * kLanes, Max(score, old));
        StoreInt(nearest + r * kLanes, SelectInt(better, first_lane, LoadInt(nearest + r * kLanes)));
      }
    }
  }
  for (int r = 0; r < n; ++r) {
    int32_t index = nearest[r * kLanes];
    float top = best[r * kLanes];
    float next = second[r * kLanes];
    for (int lane = 1; lane < kLanes; ++lane) {
      const float score = best[r * kLanes + lane];
      const int32_t at = nearest[r * kLanes + lane] + lane_index[lane];
      if (second[r * kLanes + lane] > next) next = second[r * kLanes + lane];
      if (score > top || (score == top && at < index)) {
        if (top > next) next = top;
        top = score;
        index = at;
      } else if (score > next) {
        next = score;
      }
    }
    out->nearest[r] = index;
    out->best[r] = top;
    out->second[r] = next;
  }
}
