// Flip searches to test with, outputs of exactly their size, and the check of both against FlipRow in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/flip_row.h"
#include "kernels/flip_search.h"

namespace alfamix {
namespace {

constexpr std::int32_t kPoison = std::numeric_limits<std::int32_t>::min();
[[maybe_unused]] const float kNan = std::numeric_limits<float>::quiet_NaN();

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  std::uint32_t Below(std::uint32_t n) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 33) % n;
  }
  // Uniform in [-1, 1).
  float Value() { return static_cast<float>(Below(1u << 24)) / static_cast<float>(1u << 23) - 1.0f; }

 private:
  std::uint64_t state_;
};

// kSilent: a third of the dimensions is the same in all anchors and in most rows; kSparse: most values are
// zero.
enum class Kind { kPlain, kRelu, kQuantised, kOffset, kSilent, kSparse, kKinds };

struct Problem {
  Problem(std::uint64_t n, std::uint32_t d, std::uint32_t c, std::uint32_t k, Kind kind,
          std::uint64_t seed = 0)
      : rows(n), dim(d), classes(c), anchor_count(k), pool(n * d), weight(std::size_t{c} * d), bias(c) {
    Random random(seed + n * 1000003 + d * 1009 + c * 31 + k * 7 + static_cast<std::uint64_t>(kind));
    auto value = [&]() -> float {
      const float x = random.Value();
      if (kind == Kind::kRelu) return std::max(x, 0.0f);
      if (kind == Kind::kQuantised) return std::round(3 * x) / 2;
      if (kind == Kind::kSparse) return x < 0.5f ? 0.0f : x;
      return kind == Kind::kOffset ? x + 100 : x;
    };
    for (float& x : pool) x = value();
    for (float& x : weight) x = 3 * random.Value();
    for (float& x : bias) x = random.Value();
    anchors.resize(std::size_t{k} * d);
    for (float& x : anchors) x = value();
    if (kind == Kind::kSilent) {
      for (std::uint32_t j = 0; j < d; j += 3) {
        const float silent = j % 2 == 0 ? 0.0f : random.Value();
        for (std::uint32_t i = 0; i < k; ++i) anchors[std::size_t{i} * d + j] = silent;
        for (std::uint64_t i = 0; i < n; ++i) {
          if (random.Below(10) > 0) pool[i * d + j] = random.Below(2) == 0 ? silent : silent + 0.0f;
        }
      }
    }
    // Some rows are an anchor, some are the row before, some are zero.
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint32_t draw = random.Below(12);
      float* row = pool.data() + i * d;
      if (draw == 0 && k > 0) std::copy_n(anchors.data() + std::size_t{random.Below(k)} * d, d, row);
      if (draw == 1 && i > 0) std::copy_n(row - d, d, row);
      if (draw == 2) std::fill_n(row, d, 0.0f);
    }
  }

  FlipSearchParams Params() const {
    FlipSearchParams params;
    params.pool.data = pool.data();
    params.pool.rows = rows;
    params.pool.dim = dim;
    params.weight = weight.data();
    params.bias = bias.data();
    params.classes = classes;
    params.anchors = anchor_count == 0 ? nullptr : anchors.data();
    params.anchor_count = anchor_count;
    return params;
  }

  std::uint64_t rows;
  std::uint32_t dim, classes, anchor_count;
  std::vector<float> pool, weight, bias, anchors;
};

// Outputs of exactly N values each, poisoned.
struct Outputs {
  explicit Outputs(std::uint64_t n)
      : pseudo_label(n, kPoison),
        flip_anchor(n, kPoison),
        flip_to(n, kPoison),
        confidence(n, kNan),
        margin(n, kNan),
        entropy(n, kNan),
        flip_cap(n, kNan) {}

  FlipSearchOutput Pointers() {
    return {pseudo_label.data(), confidence.data(),  margin.data(), entropy.data(),
            flip_cap.data(),     flip_anchor.data(), flip_to.data()};
  }

  std::vector<std::int32_t> pseudo_label, flip_anchor, flip_to;
  std::vector<float> confidence, margin, entropy, flip_cap;
};

template <typename T>
[[maybe_unused]] bool SameBytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

[[maybe_unused]] bool Same(const Outputs& a, const Outputs& b) {
  return SameBytes(a.pseudo_label, b.pseudo_label) && SameBytes(a.flip_anchor, b.flip_anchor) &&
         SameBytes(a.flip_to, b.flip_to) && SameBytes(a.confidence, b.confidence) &&
         SameBytes(a.margin, b.margin) && SameBytes(a.entropy, b.entropy) &&
         SameBytes(a.flip_cap, b.flip_cap);
}

bool Near(float a, float b, double tolerance) {
  return std::fabs(static_cast<double>(a) - static_cast<double>(b)) <= tolerance;
}

double DotOf(const float* a, const float* b, std::uint32_t n) {
  double sum = 0;
  for (std::uint32_t j = 0; j < n; ++j) sum += static_cast<double>(a[j]) * static_cast<double>(b[j]);
  return sum;
}

// The cap of one row, anchor and class straight from the definition: the step along the row's ray, shared
// dimensions left out, at which the class overtakes the pseudo-label, as an alpha cap.
double CapOf(const Problem& problem, const float* row, std::uint32_t label, std::uint32_t anchor,
             std::uint32_t to) {
  const std::uint32_t dim = problem.dim;
  std::vector<double> logits(problem.classes);
  double most = -HUGE_VAL;
  for (std::uint32_t c = 0; c < problem.classes; ++c) {
    logits[c] =
        DotOf(row, problem.weight.data() + std::size_t{c} * dim, dim) + static_cast<double>(problem.bias[c]);
    if (c != label) most = std::max(most, logits[c]);
  }
  double sum = 0;
  for (std::uint32_t c = 0; c < problem.classes; ++c) sum += c == label ? 0 : std::exp(logits[c] - most);
  const float* target = problem.anchors.data() + std::size_t{anchor} * dim;
  double norm2 = 0, gain = 0, distance2 = 0;
  for (std::uint32_t j = 0; j < dim; ++j) {
    const auto weight = [&](std::uint32_t c) {
      return static_cast<double>(problem.weight[std::size_t{c} * dim + j]);
    };
    double gradient = 0;
    for (std::uint32_t c = 0; c < problem.classes; ++c) {
      if (c != label) gradient += std::exp(logits[c] - most) / sum * (weight(c) - weight(label));
    }
    const double delta = static_cast<double>(target[j]) - static_cast<double>(row[j]);
    norm2 += gradient * gradient;
    distance2 += delta * delta;
    if (target[j] != row[j]) gain += gradient * (weight(to) - weight(label));
  }
  if (!(gain > 0)) return HUGE_VAL;
  return (logits[label] - logits[to]) / gain * std::sqrt(static_cast<double>(dim) * norm2 / distance2);
}

[[maybe_unused]] void CheckAgainstFlipRow(const Problem& problem, const Outputs& out) {
  const FlipRowTables tables(problem.Params());
  const FlipRowScratch scratch(problem.classes, problem.dim);
  for (std::uint64_t i = 0; i < problem.rows; ++i) {
    FlipRowResult exact;
    CHECK(FlipRow(tables, problem.pool.data() + i * problem.dim, scratch, &exact));
    CHECK(out.pseudo_label[i] == exact.pseudo_label);
    CHECK(Near(out.confidence[i], exact.confidence, 2e-5));
    CHECK(Near(out.margin[i], exact.margin, 2e-5));
    CHECK(Near(out.entropy[i], exact.entropy, 2e-5));
    CHECK(std::isinf(out.flip_cap[i]) == std::isinf(exact.flip_cap));
    if (std::isinf(exact.flip_cap)) {
      CHECK(out.flip_cap[i] > 0);
      CHECK(out.flip_anchor[i] == -1);
      CHECK(out.flip_to[i] == -1);
    } else {
      CHECK(Near(out.flip_cap[i], exact.flip_cap, 1e-5 + 1e-4 * static_cast<double>(exact.flip_cap)));
      const auto anchor = static_cast<std::uint32_t>(out.flip_anchor[i]);
      const auto to = static_cast<std::uint32_t>(out.flip_to[i]);
      const bool named = anchor < problem.anchor_count && to < problem.classes;
      CHECK(named);
      if (!named) continue;
      CHECK(out.flip_to[i] != out.pseudo_label[i]);
      // Another anchor or class than FlipRow's only where its cap is as small.
      const auto label = static_cast<std::uint32_t>(exact.pseudo_label);
      const double cap = CapOf(problem, problem.pool.data() + i * problem.dim, label, anchor, to);
      CHECK(Near(static_cast<float>(cap), exact.flip_cap, 1e-5 + 1e-4 * static_cast<double>(exact.flip_cap)));
    }
  }
}

// A hook that counts, and says no at the `until_stop`-th look; 0: never.
struct Calls {
  int until_stop;
  std::uint64_t last = 0;
  bool monotone = true;
};

[[maybe_unused]] bool Count(void* context, std::uint64_t done, std::uint64_t total) {
  Calls& calls = *static_cast<Calls*>(context);
  calls.monotone = calls.monotone && done >= calls.last && done <= total;
  calls.last = done;
  return --calls.until_stop != 0;
}

}  // namespace
}  // namespace alfamix
