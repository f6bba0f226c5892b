// The flip search of every level against FlipRow in double, on buffers of exactly the size it may read.
#include "kernels/flip_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/flip_row.h"
#include "cpu/levels.h"

namespace alfamix {
namespace {

constexpr std::int32_t kPoison = std::numeric_limits<std::int32_t>::min();
const float kNan = std::numeric_limits<float>::quiet_NaN();

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
  Problem(std::uint64_t n, std::uint32_t d, std::uint32_t c, std::uint32_t k, Kind kind)
      : rows(n), dim(d), classes(c), anchor_count(k), pool(n * d), weight(std::size_t{c} * d), bias(c) {
    Random random(n * 1000003 + d * 1009 + c * 31 + k * 7 + static_cast<std::uint64_t>(kind));
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
bool SameBytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

bool Same(const Outputs& a, const Outputs& b) {
  return SameBytes(a.pseudo_label, b.pseudo_label) && SameBytes(a.flip_anchor, b.flip_anchor) &&
         SameBytes(a.flip_to, b.flip_to) && SameBytes(a.confidence, b.confidence) &&
         SameBytes(a.margin, b.margin) && SameBytes(a.entropy, b.entropy) &&
         SameBytes(a.flip_cap, b.flip_cap);
}

JobOptions Options(int level, int threads) {
  JobOptions options;
  options.level = level;
  options.threads = threads;
  return options;
}

Outputs Search(const Problem& problem, const JobOptions& options) {
  Outputs out(problem.rows);
  const Status status = FlipSearch(problem.Params(), out.Pointers(), options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.text);
  CHECK(status.ok());
  return out;
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

void CheckAgainstFlipRow(const Problem& problem, const Outputs& out) {
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
      CHECK(out.flip_anchor[i] >= 0);
      CHECK(static_cast<std::uint32_t>(out.flip_anchor[i]) < problem.anchor_count);
      CHECK(out.flip_to[i] >= 0);
      CHECK(static_cast<std::uint32_t>(out.flip_to[i]) < problem.classes);
      CHECK(out.flip_to[i] != out.pseudo_label[i]);
      // Another anchor or class than FlipRow's only where its cap is as small.
      const auto label = static_cast<std::uint32_t>(exact.pseudo_label);
      const double cap =
          CapOf(problem, problem.pool.data() + i * problem.dim, label,
                static_cast<std::uint32_t>(out.flip_anchor[i]), static_cast<std::uint32_t>(out.flip_to[i]));
      CHECK(Near(static_cast<float>(cap), exact.flip_cap, 1e-5 + 1e-4 * static_cast<double>(exact.flip_cap)));
    }
  }
}

TEST(AgreesWithFlipRow) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (const std::uint32_t dim : {1u, 2u, 7u, 8u, 15u, 17u, 31u, 33u, 64u, 70u, 257u}) {
      for (const std::uint32_t classes : {2u, 3u, 8u, 9u, 17u}) {
        for (const std::uint32_t anchors : {0u, 1u, 5u, 8u, 19u}) {
          const auto kind = static_cast<Kind>((dim + classes + anchors) % static_cast<int>(Kind::kKinds));
          const std::uint64_t rows = 1 + (dim * 13 + classes * 5 + anchors) % 70;
          const Problem problem(rows, dim, classes, anchors, kind);
          CheckAgainstFlipRow(problem, Search(problem, Options(level, 1)));
        }
      }
    }
  }
}

TEST(EveryKindAndRowCount) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
      for (std::uint64_t rows = 1; rows <= 67; rows += rows < 10 ? 1 : 3) {
        const Problem problem(rows, 19, 5, 5, static_cast<Kind>(kind));
        CheckAgainstFlipRow(problem, Search(problem, Options(level, 2)));
      }
    }
  }
}

// Many anchors (several slot tables), many classes (unlikely ones left out where the head is sure of itself),
// more classes than dimensions (gains through the gradient), and heads so unsure that many classes may flip a
// row first.
TEST(ManyClassesAndAnchors) {
  struct Shape {
    std::uint32_t dim, classes, anchors;
    float sharpness;
  };
  const Shape shapes[] = {{40, 7, 13, 1},      {40, 5, 33, 1},     {24, 3, 150, 1}, {90, 130, 20, 1},
                          {90, 130, 20, 20},   {150, 300, 6, 30},  {20, 64, 9, 1},  {20, 70, 9, 8},
                          {60, 40, 37, 0.05f}, {33, 90, 50, 0.01f}};
  for (int level = 0; level < LevelCount(); ++level) {
    for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
      for (const Shape& shape : shapes) {
        Problem problem(45, shape.dim, shape.classes, shape.anchors, static_cast<Kind>(kind));
        for (float& x : problem.weight) x *= shape.sharpness;
        CheckAgainstFlipRow(problem, Search(problem, Options(level, 1)));
      }
    }
  }
}

// A row's results are the same bytes whatever rows stand beside it.
TEST(RowsDontDependOnTheirNeighbours) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
      for (const std::uint32_t classes : {6u, 90u}) {
        const Problem problem(70, 37, classes, 11, static_cast<Kind>(kind));
        const Outputs together = Search(problem, Options(level, 1));
        for (std::uint64_t i = 0; i < problem.rows; i += 3) {
          Problem alone = problem;
          alone.rows = 1;
          alone.pool.assign(problem.pool.begin() + i * problem.dim,
                            problem.pool.begin() + (i + 1) * problem.dim);
          const Outputs one = Search(alone, Options(level, 1));
          CHECK(one.pseudo_label[0] == together.pseudo_label[i]);
          CHECK(std::memcmp(&one.entropy[0], &together.entropy[i], sizeof(float)) == 0);
          CHECK(std::memcmp(&one.flip_cap[0], &together.flip_cap[i], sizeof(float)) == 0);
          CHECK(one.flip_anchor[0] == together.flip_anchor[i]);
          CHECK(one.flip_to[0] == together.flip_to[i]);
        }
      }
    }
  }
}

TEST(ThreadsGiveTheSameBytes) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (const Kind kind : {Kind::kPlain, Kind::kRelu, Kind::kQuantised}) {
      // Several blocks of rows: a block is at most 1 MiB of them.
      const Problem problem(9001, 130, 7, 7, kind);
      const Outputs one = Search(problem, Options(level, 1));
      for (const int threads : {2, 5}) CHECK(Same(Search(problem, Options(level, threads)), one));
    }
  }
}

TEST(EqualHeadRowsNeverFlip) {
  for (int level = 0; level < LevelCount(); ++level) {
    Problem problem(37, 21, 4, 4, Kind::kPlain);
    for (std::uint32_t c = 1; c < problem.classes; ++c)
      std::copy_n(problem.weight.data(), problem.dim, problem.weight.data() + c * problem.dim);
    const Outputs out = Search(problem, Options(level, 1));
    for (const float cap : out.flip_cap) CHECK(std::isinf(cap));
    CheckAgainstFlipRow(problem, out);
  }
}

TEST(LowestBadRowIsNamed) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (const int threads : {1, 2, 5}) {
      Problem problem(9001, 130, 3, 3, Kind::kPlain);
      for (const std::uint64_t row : {8000u, 4097u, 2300u}) {
        problem.pool[row * problem.dim + row % problem.dim] = row == 4097 ? HUGE_VALF : kNan;
        Outputs out(problem.rows);
        const Status status = FlipSearch(problem.Params(), out.Pointers(), Options(level, threads));
        CHECK(status.code == Code::kNonFinite);
        CHECK(status.row == static_cast<std::int64_t>(row));
      }
    }
  }
}

struct Calls {
  int until_stop;
  std::uint64_t last = 0;
  bool monotone = true;
};

bool Count(void* context, std::uint64_t done, std::uint64_t total) {
  Calls& calls = *static_cast<Calls*>(context);
  calls.monotone = calls.monotone && done >= calls.last && done <= total;
  calls.last = done;
  return --calls.until_stop != 0;
}

TEST(HookAbortsAndCounts) {
  const Problem problem(9001, 130, 7, 7, Kind::kPlain);
  for (const int threads : {1, 2, 5}) {
    for (const int stop_at : {1, 2, 0}) {
      JobOptions options = Options(LevelCount() - 1, threads);
      Calls calls{stop_at};
      options.progress = Count;
      options.progress_context = &calls;
      Outputs out(problem.rows);
      const Status status = FlipSearch(problem.Params(), out.Pointers(), options);
      CHECK(status.code == (stop_at == 0 ? Code::kOk : Code::kAborted));
      CHECK(calls.monotone);
      if (stop_at == 0) CHECK(calls.last == problem.rows);
    }
  }
}

}  // namespace
}  // namespace alfamix
