// One look at a row before the product: its norm, and the dimensions where it equals some anchor. Reading the
// rows in order here also brings them near the core for the product, which jumps about in them.

static void StoreScreenOf(const float* values, void* screen) {
  StoreScreen(static_cast<Screen*>(screen), MakeScreen(values));
}

// Appends the dimensions of z[start ... start + kScreenFloats) that equal some anchor's; `values` holds them.
static uint32_t CompareExactly(const FlipTables* t, const float* values, uint32_t start, uint32_t* dims) {
  uint32_t found = 0;
  for (uint32_t j = 0; j < kScreenFloats; ++j) {
    const float* anchors = t->anchors_by_dim + static_cast<size_t>(start + j) * t->anchor_stride;
    const Vec x = Set(values[j]);
    Mask equal = None();
    for (uint32_t k = 0; k < t->anchor_stride; k += kLanes) equal = Or(equal, Equal(x, Load(anchors + k)));
    dims[found] = start + j;
    found += Bits(equal) != 0;
  }
  return found;
}

// |z|^2; the shared dimensions go into `dims` (room for D + 1), in increasing order.
static float ScanRow(const FlipTables* t, const float* z, uint32_t* dims, uint32_t* count) {
  const uint32_t whole = t->dim - t->dim % kScreenFloats;
  const Screen* anchor = static_cast<const Screen*>(t->anchor_screens);
  float tail[kScreenFloats] = {0};
  Vec norm2 = Set(0.0f);
  uint32_t found = 0;
  for (uint32_t j = 0; j < t->dim; j += kScreenFloats) {
    const float* values = z + j;
    if (j == whole) {
      memcpy(tail, values, (t->dim - whole) * sizeof(float));
      values = tail;
    }
    for (int v = 0; v < kScreenFloats; v += kLanes) {
      const Vec x = Load(values + v);
      norm2 = MulAdd(x, x, norm2);
    }
    if (t->anchors == 0) continue;
    const Screen screen = MakeScreen(values);
    ScreenHits even = NoHits();
    ScreenHits odd = NoHits();
    uint32_t k = 0;
    for (; k + 2 <= t->anchors; k += 2) {
      even = AddHits(even, screen, LoadScreen(anchor + k));
      odd = AddHits(odd, screen, LoadScreen(anchor + k + 1));
    }
    if (k < t->anchors) even = AddHits(even, screen, LoadScreen(anchor + k));
    anchor += t->anchors;
    if (AnyHit(even, odd)) found += CompareExactly(t, values, j, dims + found);
  }
  *count = found;
  return SumLanes(norm2);
}
