// Inputs for tests of kernels, other ones every run (see Seed), and the hook of a call.
#pragma once

#include <cstdint>
#include <vector>

#include "check.h"
#include "cpu/rng.h"
#include "kernels/job.h"

namespace alfamix::test {

// Another one for each call.
inline std::uint64_t FreshSeed() {
  static std::uint64_t calls = 0;
  return Seed() + ++calls;
}

class RandomRows {
 public:
  RandomRows() : rng_(FreshSeed()) {}

  std::vector<float> Uniform(std::size_t count, float scale = 1) {
    std::vector<float> values(count);
    for (float& x : values) x = static_cast<float>((rng_.Uniform() - 0.5) * 2) * scale;
    return values;
  }
  // Small integers: many equal rows, distances and dimensions.
  std::vector<float> Ties(std::size_t count, int most = 2) {
    std::vector<float> values(count);
    for (float& x : values) x = static_cast<float>(rng_.Below(most + 1));
    return values;
  }
  // From `least` to `most`.
  std::vector<std::int32_t> Index(std::size_t count, std::int32_t least, std::int32_t most) {
    std::vector<std::int32_t> values(count);
    for (std::int32_t& x : values)
      x = least + static_cast<std::int32_t>(rng_.Below(static_cast<std::uint64_t>(most - least) + 1));
    return values;
  }
  std::uint64_t Below(std::uint64_t n) { return rng_.Below(n); }

 private:
  Rng rng_;
};

// A hook that counts, and says no at the `refuse_at`-th look.
struct Looks {
  std::uint64_t count = 0, last = 0, total = 0;
  std::uint64_t refuse_at = ~std::uint64_t{0};
  bool falling = false;

  static bool Hook(void* context, std::uint64_t done, std::uint64_t total) {
    auto& looks = *static_cast<Looks*>(context);
    looks.falling = looks.falling || done < looks.last;
    looks.last = done;
    looks.total = total;
    return ++looks.count < looks.refuse_at;
  }
};

inline JobOptions WithLooks(Looks* looks, int threads = 2) {
  JobOptions options;
  options.threads = threads;
  options.progress = looks == nullptr ? nullptr : Looks::Hook;
  options.progress_context = looks;
  return options;
}

}  // namespace alfamix::test
