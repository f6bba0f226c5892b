// xoshiro256** 1.0 (Blackman and Vigna, 2018), seeded by splitmix64: bit for bit the numbers of
// packages/core/src/random/xoshiro.ts.
#pragma once

#include <cstdint>

namespace alfamix {

class Rng {
 public:
  explicit Rng(std::uint64_t seed) {
    for (std::uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15u;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      word = z ^ (z >> 31);
    }
  }

  std::uint64_t Next() {
    const std::uint64_t result = Rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = Rotate(state_[3], 45);
    return result;
  }

  // In [0, 1), 53 random bits.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

  // In 0 ... n - 1, n <= 2^53.
  std::uint64_t Below(std::uint64_t n) {
    const auto drawn = static_cast<std::uint64_t>(Uniform() * static_cast<double>(n));
    return drawn < n ? drawn : n - 1;
  }

 private:
  static std::uint64_t Rotate(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
  std::uint64_t state_[4];
};

}  // namespace alfamix
