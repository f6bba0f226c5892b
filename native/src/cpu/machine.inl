// Loops that do nothing but read, and nothing but multiply and add: see kernels/machine_rates.h.

// Enough independent sums to hide the latency of a multiply-add, few enough for 16 registers.
constexpr int kChains = 12;

static float ReadAll(const float* values, size_t n) {
  Vec sum[8];
  for (int i = 0; i < 8; ++i) sum[i] = Set(0.0f);
  constexpr size_t kStep = 8 * kLanes;
  size_t j = 0;
  for (; j + kStep <= n; j += kStep) {
    ALFAMIX_UNROLL
    for (int i = 0; i < 8; ++i) sum[i] = Add(sum[i], Load(values + j + i * kLanes));
  }
  float total = 0;
  for (int i = 0; i < 8; ++i) total += SumLanes(sum[i]);
  for (; j < n; ++j) total += values[j];
  return total;
}

static float MultiplyAdds(uint64_t rounds) {
  Vec sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = Set(1.0f + 0.01f * static_cast<float>(i));
  const Vec factor = Set(0.9999f);
  const Vec term = Set(0.0001f);
  for (uint64_t round = 0; round < rounds; ++round) {
    ALFAMIX_UNROLL
    for (int i = 0; i < kChains; ++i) sum[i] = MulAdd(sum[i], factor, term);
  }
  float total = 0;
  for (int i = 0; i < kChains; ++i) total += SumLanes(sum[i]);
  return total;
}
