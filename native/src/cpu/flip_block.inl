// The flip search of a block: product, then kLanes rows at a time, then what float32 can't vouch for is
// marked.

struct LanesOutput {
  float confidence[kLanes], margin[kLanes], entropy[kLanes], flip_cap[kLanes];
  int32_t label[kLanes], flip_anchor[kLanes], flip_to[kLanes];
};

// What ScanRow found for the rows of a block.
struct BlockScan {
  float norm2[kBlockRows + kLanes];
  uint32_t shared[kBlockRows];
};

// The flip search of the lanes from row `first`, rows that share values with anchors apart. Returns a bit for
// each lane that float32 can vouch for.
static unsigned SearchLanes(const FlipTables* t, const FlipScratch* s, const float* rows, int first,
                            int lanes, const BlockScan* scan, FlipLanes* f, LanesOutput* o) {
  GainsLanes(t, s, f);
  f->gain_error = Set(kGainError * t->gram_max);
  unsigned sound =
      Bits(FarthestAnchorLanes(t, s, f, Load(scan->norm2 + first), o->flip_cap, o->flip_anchor, o->flip_to));
  float label_logit[kLanes], gradient2[kLanes], logit_error[kLanes];
  Store(label_logit, f->label_logit);
  Store(gradient2, f->gradient2);
  Store(logit_error, f->logit_error);
  for (int r = 0; r < lanes; ++r) {
    const int i = first + r;
    if (scan->shared[i] == 0) continue;
    const SharedDims shared = {s->dims + static_cast<size_t>(i) * (t->dim + 1), scan->shared[i],
                               rows + static_cast<size_t>(i) * t->dim};
    RowView row = {nullptr,        label_logit[r],          o->label[r], scan->norm2[i], gradient2[r],
                   logit_error[r], kGainError * t->gram_max};
    const bool ok = SharedRow(t, s, &shared, r, &row, &o->flip_cap[r], &o->flip_anchor[r], &o->flip_to[r]);
    sound = ok ? sound | 1u << r : sound & ~(1u << r);
  }
  return sound;
}

// Transposes kLanes rows of the block's product, from row `first`, into scratch->lanes. Lanes past the last
// row compute on what an earlier block left there, and are dropped.
static void ToLanes(const FlipTables* t, const FlipScratch* s, int first) {
  const size_t stride = t->panels.padded;
  for (uint32_t c = 0; c < stride; c += kLanes) {
    Transpose(s->product + first * stride + c, stride, s->lanes + c * kLanes);
  }
}

// How far the difference of two logits may be off.
static Vec LogitError(const FlipTables* t, Vec norm2) {
  return MulAdd(Mul(Sqrt(norm2), Set(t->weight_norm)), Set(kLogitError), Set(kLogitError * t->bias_max));
}

static void FlipBlock(const FlipTables* t, const float* rows, int n, const FlipScratch* s,
                      const FlipBlockOutput* out, uint8_t* recheck) {
  BlockScan scan;
  memset(scan.norm2, 0, sizeof scan.norm2);
  for (int r = 0; r < n; ++r) {
    scan.norm2[r] = ScanRow(t, rows + static_cast<size_t>(r) * t->dim,
                            s->dims + static_cast<size_t>(r) * (t->dim + 1), &scan.shared[r]);
  }
  Product(&t->panels, rows, n, s->product);
  for (int first = 0; first < n; first += kLanes) {
    const int lanes = n - first < kLanes ? n - first : kLanes;
    ToLanes(t, s, first);
    FlipLanes f;
    LanesOutput o;
    PredictLanes(t, s, &f, o.confidence, o.margin, o.entropy);
    StoreInt(o.label, f.label);
    f.logit_error = LogitError(t, Load(scan.norm2 + first));
    // Written so that NaN fails.
    const Vec probability_error = Mul(Mul(Set(2.0f), f.variance), f.logit_error);
    unsigned sound = Bits(And(Greater(Sub(f.label_logit, f.second_logit), f.logit_error),
                              Greater(Set(kProbabilityError), probability_error)));
    if (t->anchors > 0) {
      sound &= SearchLanes(t, s, rows, first, lanes, &scan, &f, &o);
    } else {
      StoreInt(o.flip_anchor, SetInt(-1));
      StoreInt(o.flip_to, SetInt(-1));
      Store(o.flip_cap, Set(INFINITY));
    }
    for (int r = 0; r < lanes; ++r) {
      const int row = first + r;
      out->pseudo_label[row] = o.label[r];
      out->confidence[row] = o.confidence[r];
      out->margin[row] = o.margin[r];
      out->entropy[row] = o.entropy[r];
      // Written so that NaN fails, too: differences of logits can be beyond float32.
      recheck[row] = (sound >> r & 1u) == 0 || !(o.entropy[r] < INFINITY);
      if (out->flip_cap == nullptr) continue;
      out->flip_cap[row] = o.flip_cap[r];
      out->flip_anchor[row] = o.flip_anchor[r];
      out->flip_to[row] = o.flip_to[r];
    }
  }
}
