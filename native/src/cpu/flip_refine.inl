// Flip caps near zero: there the rounding of the logits, some 1e-5, is more than the band of agreement
// allows, on a few rows in a hundred. For these the leads of the classes that may flip first are computed in
// double; everything else of the row stays.

// What a lane's cap is made of, beside the leads.
struct RefineRow {
  const float* z;
  int lane;
  int32_t label;
  float label_logit;
  float logit_error;
  float gain_error;
  float highest;   // no class whose flip can't come before this matters
  float scale;     // of a step to its cap
  float relative;  // error of the scale
};

// The lane's cap and class again; returns whether float32 can vouch for it now.
static bool RefineLane(const FlipTables* t, const FlipScratch* s, const FlipLanes* f, const RefineRow* row,
                       LanesOutput* o) {
  const float* logits = s->lanes + f->vector * kLanes + row->lane;
  const float* u = s->u + f->vector * kLanes + row->lane;
  const float* own = t->weight_rows + static_cast<size_t>(row->label) * t->dim;
  const double label_logit = DotRows(row->z, own, t->dim) + static_cast<double>(t->bias[row->label]);
  float at = INFINITY;
  float lowest = INFINITY;
  float highest = INFINITY;
  int32_t to = -1;
  for (uint32_t c = 0; c < t->classes; ++c) {
    const float gain = u[c * kTileLanes] - u[row->label * kTileLanes];
    const float gain_up = gain + row->gain_error;
    if (static_cast<int32_t>(c) == row->label || gain_up <= 0) continue;
    if ((row->label_logit - logits[c * kTileLanes] - row->logit_error) / gain_up > row->highest) continue;
    const double logit = DotRows(row->z, t->weight_rows + static_cast<size_t>(c) * t->dim, t->dim) +
                         static_cast<double>(t->bias[c]);
    const float lead = static_cast<float>(label_logit - logit);
    const float gain_down = gain - row->gain_error;
    const float low = lead / gain_up;
    const float step = gain > 0 ? lead / gain : INFINITY;
    const float high = gain_down > 0 ? lead / gain_down : INFINITY;
    if (step < at) {
      at = step;
      to = static_cast<int32_t>(c);
    }
    lowest = low < lowest ? low : lowest;
    highest = high < highest ? high : highest;
  }
  const float cap = at * row->scale;
  const float up = highest - at;
  const float down = at - lowest;
  const float error = cap * row->relative + row->scale * (up > down ? up : down);
  o->flip_cap[row->lane] = cap;
  o->flip_to[row->lane] = to;
  return error < cap * kBandRelative + kBandAbsolute;  // NaN fails
}

// Refines the lanes of `open`; returns those that float32 can vouch for now.
static unsigned RefineLanes(const FlipTables* t, const FlipScratch* s, const FlipLanes* f,
                            const TileRows* tile, const FirstFlip* step, Vec scale, Vec relative,
                            unsigned open, LanesOutput* o) {
  float label_logit[kLanes], logit_error[kLanes], gain_error[kLanes], highest[kLanes], scales[kLanes],
      relatives[kLanes];
  Store(label_logit, f->label_logit);
  Store(logit_error, f->logit_error);
  Store(gain_error, f->gain_error);
  Store(highest, step->highest);
  Store(scales, scale);
  Store(relatives, relative);
  unsigned sound = 0;
  for (; open != 0; open &= open - 1) {
    const int lane = static_cast<int>(FirstBit(open));
    const RefineRow row = {FloatRow(t, s, tile, f->vector * kLanes + lane),
                           lane,
                           o->label[lane],
                           label_logit[lane],
                           logit_error[lane],
                           gain_error[lane],
                           highest[lane],
                           scales[lane],
                           relatives[lane]};
    if (RefineLane(t, s, f, &row, o)) sound |= 1u << lane;
  }
  return sound;
}
