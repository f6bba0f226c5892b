// Stored values to float32, kLanes at a time; see LevelTable::widen. A vector is read whole before it is
// written, so front to back is safe on overlapping memory.

// From the bits of a float16: exact, subnormals, infinities and NaN included.
static inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = half >> 10 & 0x1fu;
  const uint32_t fraction = half & 0x3ffu;
  float x;
  if (exponent == 0) {
    x = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -x : x;
  }
  const uint32_t bits = sign | (exponent == 31 ? 0xffu : exponent + 112) << 23 | fraction << 13;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static inline size_t BytesOfRow(DType dtype, size_t values) {
  return values * (dtype == DType::kFloat64 ? 8 : dtype == DType::kFloat32 ? 4 : 2);
}

static inline float ValueAt(DType dtype, const char* from) {
  if (dtype == DType::kFloat64) {
    double wide;
    memcpy(&wide, from, sizeof wide);
    return static_cast<float>(wide);
  }
  uint16_t half;
  memcpy(&half, from, sizeof half);
  if (dtype == DType::kFloat16) return HalfToFloat(half);
  const uint32_t bits = static_cast<uint32_t>(half) << 16;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void Widen(DType dtype, const void* from, size_t n, float* to) {
  const char* bytes = static_cast<const char*>(from);
  size_t i = 0;
#if defined(ALFAMIX_VECTOR_LOADS)
  const size_t whole = n - n % kLanes;
  if (dtype == DType::kFloat16) {
    for (; i < whole; i += kLanes) Store(to + i, LoadHalfs(bytes + 2 * i));
  } else if (dtype == DType::kBfloat16) {
    for (; i < whole; i += kLanes) Store(to + i, LoadBfloats(bytes + 2 * i));
  } else {
    for (; i < whole; i += kLanes) Store(to + i, LoadDoubles(bytes + 8 * i));
  }
#endif
  const size_t size = dtype == DType::kFloat64 ? 8 : 2;
  for (; i < n; ++i) to[i] = ValueAt(dtype, bytes + size * i);
}
