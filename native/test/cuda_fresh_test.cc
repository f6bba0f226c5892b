// Every kernel on the device on random inputs that are new each time (ALFAMIX_TEST_SEED repeats them),
// against what decides in double: FlipRow, sums written out here, and the CPU kernels where those are exact.
// Ragged sizes, one row, dimensions that aren't a multiple of four, two classes and a thousand, saturated
// heads, dimensions that coincide; outputs are poisoned, and so is what lies before and behind them.
#include <cstdio>

#include "check.h"
#include "cuda/kernels.h"
#include "flip_problem.h"

namespace alfamix {
namespace {

using test::Seed;

// The stand-in is slow: a device gets longer pools, more chunks of them, and every kind of pool in every
// case.
#if defined(ALFAMIX_ON_DEVICE)
constexpr bool kOnDevice = true;
#else
constexpr bool kOnDevice = false;
#endif
std::uint64_t Longer(std::uint64_t rows) { return kOnDevice && rows > 2 ? rows * 23 : rows; }

JobOptions TwoThreads() {
  JobOptions options;
  options.threads = 2;
  return options;
}

bool Succeeds(const Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.text);
  return status.ok();
}

// `count` values between two poisoned margins.
template <typename T>
class Between {
 public:
  explicit Between(std::size_t count)
      : count_(count), bytes_((count + 2 * kMargin) * sizeof(T), kPoisonByte) {}
  T* get() { return reinterpret_cast<T*>(bytes_.data()) + kMargin; }
  T operator[](std::size_t i) const { return reinterpret_cast<const T*>(bytes_.data())[kMargin + i]; }
  // All values were written and nothing beside them. (No kernel writes the poison's value.)
  bool Exactly() const {
    for (std::size_t i = 0; i < count_; ++i) {
      if (Poisoned(kMargin + i)) return false;
    }
    for (std::size_t i = 0; i < kMargin; ++i) {
      if (!Poisoned(i) || !Poisoned(kMargin + count_ + i)) return false;
    }
    return true;
  }
  bool SameBytes(const Between& other) const { return bytes_ == other.bytes_; }

 private:
  static constexpr std::size_t kMargin = 64;
  static constexpr unsigned char kPoisonByte = 0xA7;
  bool Poisoned(std::size_t i) const {
    for (std::size_t k = 0; k < sizeof(T); ++k) {
      if (bytes_[i * sizeof(T) + k] != kPoisonByte) return false;
    }
    return true;
  }
  std::size_t count_;
  std::vector<unsigned char> bytes_;
};

std::uint64_t draws = 0;
Random FreshRandom() { return Random(Seed() + 7919 * ++draws); }

std::vector<float> FreshValues(std::size_t count, bool relu = false) {
  Random random = FreshRandom();
  std::vector<float> values(count);
  for (float& x : values) x = relu ? std::max(random.Value(), 0.0f) : random.Value();
  return values;
}

struct Shape {
  std::uint64_t rows;
  std::uint32_t dim;
};
const Shape kShapes[] = {{1, 1},           {1, 37},           {2, 4},          {Longer(33), 3},
                         {Longer(70), 66}, {Longer(131), 30}, {Longer(257), 5}};

TEST(FlipSearchAsInDouble) {
  struct Case {
    std::uint64_t rows;
    std::uint32_t dim, classes, anchors;
    float sharpness;
  };
  const Case cases[] = {
      {1, 1, 2, 1, 1},      {1, 70, 10, 10, 1},    {131, 30, 2, 5, 1},
      {97, 129, 10, 10, 1}, {65, 34, 10, 3, 60},   {40, 66, 5, 9, 500},
      {5, 21, 1000, 4, 1},  {33, 7, 3, 40, 1},     {20, 40, 101, 7, 8},
      {64, 64, 4, 4, 0},    {19, 18, 100, 100, 1}, {kOnDevice ? 1000u : 20u, 768, 10, 10, 1}};
  constexpr int kKinds = static_cast<int>(Kind::kKinds);
  int number = static_cast<int>(Seed() % kKinds);
  for (const Case& one : cases) {
    for (int kind = 0; kind < kKinds; ++kind) {
      // On the stand-in two kinds a case, others for each case and each seed.
      if (!kOnDevice && (number + kind) % kKinds > 1) continue;
      Problem problem(Longer(one.rows), one.dim, one.classes, one.anchors, static_cast<Kind>(kind), Seed());
      for (float& x : problem.weight) x *= one.sharpness;
      Outputs out(problem.rows);
      CHECK(Succeeds(cuda::FlipSearch(problem.Params(), out.Pointers(), TwoThreads())));
      CheckAgainstFlipRow(problem, out);
    }
    ++number;
  }
}

TEST(ScoresAsInDouble) {
  for (const std::uint32_t classes : {2u, 10u, 1000u}) {
    for (const Shape& shape : kShapes) {
      const Problem problem(shape.rows, shape.dim, classes, 1, Kind::kPlain, Seed());
      const FlipSearchParams flip = problem.Params();
      const ScoreUncertaintyParams params = {flip.pool, flip.weight, flip.bias, classes};
      Between<std::int32_t> label(shape.rows);
      Between<float> confidence(shape.rows), margin(shape.rows), entropy(shape.rows);
      CHECK(Succeeds(cuda::ScoreUncertainty(
          params, {label.get(), confidence.get(), margin.get(), entropy.get()}, TwoThreads())));
      CHECK(label.Exactly() && confidence.Exactly() && margin.Exactly() && entropy.Exactly());
      const FlipRowTables tables(flip);
      const FlipRowScratch scratch(classes, shape.dim);
      for (std::uint64_t i = 0; i < shape.rows; ++i) {
        FlipRowResult exact;
        CHECK(PredictRow(tables, problem.pool.data() + i * shape.dim, scratch, &exact));
        CHECK(label[i] == exact.pseudo_label);
        CHECK(std::fabs(confidence[i] - exact.confidence) <= 2e-5f);
        CHECK(std::fabs(margin[i] - exact.margin) <= 2e-5f);
        CHECK(std::fabs(entropy[i] - exact.entropy) <= 2e-5f);
      }
    }
  }
}

TEST(PseudoLabelGradientAsInDouble) {
  for (const std::uint32_t classes : {2u, 10u, 1000u}) {
    for (const Shape& shape : kShapes) {
      for (const float sharpness : {1.0f, 80.0f}) {
        Problem problem(shape.rows, shape.dim, classes, 1, Kind::kPlain, Seed());
        for (float& x : problem.weight) x *= sharpness;
        PseudoLabelGradientParams params = {problem.pool.data(),   shape.rows,          shape.dim,
                                            problem.weight.data(), problem.bias.data(), classes,
                                            sharpness == 1};
        Between<float> gradient(shape.rows * shape.dim);
        Between<std::int32_t> label(shape.rows);
        CHECK(Succeeds(cuda::PseudoLabelGradient(params, {gradient.get(), label.get()}, TwoThreads())));
        CHECK(gradient.Exactly() && label.Exactly());
        const FlipRowTables tables(problem.Params());
        const FlipRowScratch scratch(classes, shape.dim);
        for (std::uint64_t i = 0; i < shape.rows; ++i) {
          FlipRowResult exact;
          CHECK(PredictRow(tables, problem.pool.data() + i * shape.dim, scratch, &exact));
          CHECK(label[i] == exact.pseudo_label);
          const double norm2 = GradientRow(tables, static_cast<std::uint32_t>(exact.pseudo_label), scratch);
          // (1 - p_y) W^T (r - e_y); of length 1 where that was asked for.
          const double scale = params.unit ? (norm2 > 0 ? 1 / std::sqrt(norm2) : 0) : exact.doubt;
          double error2 = 0;
          for (std::uint32_t j = 0; j < shape.dim; ++j) {
            const double off = static_cast<double>(gradient[i * shape.dim + j]) - scale * scratch.g[j];
            error2 += off * off;
          }
          // 1e-37: below it float32 has no digits left.
          CHECK(std::sqrt(error2) <= 1e-4 * scale * std::sqrt(norm2) + 1e-37);
        }
      }
    }
  }
}

// anchor_index with -1 among the anchors.
std::vector<std::int32_t> FreshIndex(std::uint64_t rows, std::uint32_t anchors) {
  Random random = FreshRandom();
  std::vector<std::int32_t> index(rows);
  for (std::int32_t& k : index) k = static_cast<std::int32_t>(random.Below(anchors + 1)) - 1;
  return index;
}

TEST(InterpolateAsTheCpu) {
  for (const std::uint32_t classes : {0u, 2u, 1000u}) {
    for (const Shape& shape : kShapes) {
      const auto data = FreshValues(shape.rows * shape.dim);
      const auto alpha = FreshValues(shape.rows * shape.dim);
      const auto anchors = FreshValues(std::size_t{3} * shape.dim);
      const auto weight = FreshValues(std::size_t{classes} * shape.dim);
      const auto bias = FreshValues(classes);
      const auto index = FreshIndex(shape.rows, 3);
      const InterpolateParams params = {data.data(),  shape.rows,   shape.dim,     anchors.data(), 3,
                                        index.data(), alpha.data(), weight.data(), bias.data(),    classes};
      Between<float> mixed(shape.rows * shape.dim), cpu_mixed(shape.rows * shape.dim);
      Between<float> logits(shape.rows * classes), cpu_logits(shape.rows * classes);
      CHECK(Succeeds(cuda::Interpolate(params, {mixed.get(), logits.get()}, TwoThreads())));
      CHECK(Succeeds(Interpolate(params, {cpu_mixed.get(), cpu_logits.get()}, TwoThreads())));
      CHECK(mixed.Exactly() && mixed.SameBytes(cpu_mixed));
      CHECK(classes == 0 || logits.Exactly());
      for (std::size_t i = 0; i < shape.rows * classes; ++i) {
        double exact = static_cast<double>(bias[i % classes]);
        double size = std::fabs(exact);
        for (std::uint32_t j = 0; j < shape.dim; ++j) {
          const double term = static_cast<double>(mixed[i / classes * shape.dim + j]) *
                              static_cast<double>(weight[i % classes * shape.dim + j]);
          exact += term;
          size += std::fabs(term);
        }
        CHECK(std::fabs(static_cast<double>(logits[i]) - exact) <= 1e-5 * size);
      }
    }
  }
}

TEST(ClosedFormAlphaAsTheCpu) {
  for (const bool relu : {false, true}) {
    for (const Shape& shape : kShapes) {
      const auto data = FreshValues(shape.rows * shape.dim, relu);
      const auto anchors = FreshValues(std::size_t{3} * shape.dim, relu);
      const auto gradient = FreshValues(shape.rows * shape.dim);
      const auto caps = FreshValues(shape.rows, true);
      const auto index = FreshIndex(shape.rows, 3);
      ClosedFormAlphaParams params = {data.data(),  shape.rows,      shape.dim, anchors.data(), 3,
                                      index.data(), gradient.data(), 0.3,       nullptr};
      if (relu) params.caps = caps.data();
      Between<float> alpha(shape.rows * shape.dim), cpu(shape.rows * shape.dim);
      CHECK(Succeeds(cuda::ClosedFormAlpha(params, alpha.get(), TwoThreads())));
      CHECK(Succeeds(ClosedFormAlpha(params, cpu.get(), TwoThreads())));
      CHECK(alpha.Exactly() && alpha.SameBytes(cpu));
    }
  }
}

TEST(SamplersAsTheCpu) {
  for (const bool relu : {false, true}) {
    for (const Shape& shape : kShapes) {
      const auto data = FreshValues(shape.rows * shape.dim, relu);
      const auto centers = FreshValues(std::size_t{5} * shape.dim);
      const auto factors = FreshValues(shape.rows * 3);
      const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(shape.rows, 20));
      for (const std::uint32_t given : {0u, 5u}) {
        const KCenterGreedyParams params = {data.data(), shape.rows, shape.dim, centers.data(), given, count};
        Between<std::int32_t> rows(count), cpu_rows(count);
        Between<double> distance2(count), cpu_distance2(count);
        CHECK(Succeeds(cuda::KCenterGreedy(params, {rows.get(), distance2.get()}, TwoThreads())));
        CHECK(Succeeds(KCenterGreedy(params, {cpu_rows.get(), cpu_distance2.get()}, TwoThreads())));
        CHECK(rows.Exactly() && distance2.Exactly());
        CHECK(rows.SameBytes(cpu_rows) && distance2.SameBytes(cpu_distance2));
      }
      for (const std::uint32_t factor_dim : {0u, 3u}) {
        KMeansPlusPlusParams params = {data.data(), shape.rows, shape.dim, factors.data(),
                                       factor_dim,  count,      relu,      Seed()};
        if (factor_dim == 0) params.factors = nullptr;
        Between<std::int32_t> rows(count), cpu_rows(count);
        Between<double> distance2(count), cpu_distance2(count);
        CHECK(Succeeds(cuda::KMeansPlusPlus(params, {rows.get(), distance2.get()}, TwoThreads())));
        CHECK(Succeeds(KMeansPlusPlus(params, {cpu_rows.get(), cpu_distance2.get()}, TwoThreads())));
        CHECK(rows.Exactly() && distance2.Exactly());
        CHECK(rows.SameBytes(cpu_rows) && distance2.SameBytes(cpu_distance2));
      }
    }
  }
}

// Only draws that missed seeds of 2^17 multiply-adds and more go to the device: these sizes have them.
TEST(KMeansPlusPlusOnTheDeviceAsTheCpu) {
  constexpr std::uint32_t kWide = 3001, kPicks = 80;
  const std::uint64_t wide_rows = kOnDevice ? 1500 : 150;
  for (const bool relu : {false, true}) {
    const auto data = FreshValues(wide_rows * kWide, relu);
    const auto factors = FreshValues(wide_rows * 3);
    for (const std::uint32_t factor_dim : {0u, 3u}) {
      const KMeansPlusPlusParams params = {
          data.data(), wide_rows, kWide, factor_dim == 0 ? nullptr : factors.data(),
          factor_dim,  kPicks,    relu,  Seed()};
      Between<std::int32_t> rows(kPicks), cpu_rows(kPicks);
      Between<double> distance2(kPicks), cpu_distance2(kPicks);
      CHECK(Succeeds(cuda::KMeansPlusPlus(params, {rows.get(), distance2.get()}, TwoThreads())));
      CHECK(Succeeds(KMeansPlusPlus(params, {cpu_rows.get(), cpu_distance2.get()}, TwoThreads())));
      CHECK(rows.Exactly() && distance2.Exactly());
      CHECK(rows.SameBytes(cpu_rows) && distance2.SameBytes(cpu_distance2));
    }
  }
}

TEST(KMeansAndNearestMembersAsTheCpu) {
  for (const auto algorithm : {KMeansAlgorithm::kLloyd, KMeansAlgorithm::kHartigan}) {
    for (const Shape& shape : kShapes) {
      for (const std::uint32_t asked : {1u, 7u, 40u}) {
        const auto data = FreshValues(shape.rows * shape.dim);
        KMeansParams params;
        params.data = data.data();
        params.rows = shape.rows;
        params.dim = shape.dim;
        params.clusters = static_cast<std::uint32_t>(std::min<std::uint64_t>(asked, shape.rows));
        params.seed = Seed();
        params.max_iterations = 30;
        params.algorithm = algorithm;
        Between<std::int32_t> labels(shape.rows), cpu_labels(shape.rows);
        Between<float> centers(std::size_t{params.clusters} * shape.dim);
        Between<float> cpu_centers(std::size_t{params.clusters} * shape.dim);
        KMeansOutput out, cpu;
        out.labels = labels.get();
        out.centers = centers.get();
        cpu.labels = cpu_labels.get();
        cpu.centers = cpu_centers.get();
        CHECK(Succeeds(cuda::KMeans(params, out, TwoThreads())));
        CHECK(Succeeds(KMeans(params, cpu, TwoThreads())));
        CHECK(labels.Exactly() && centers.Exactly());
        CHECK(labels.SameBytes(cpu_labels) && centers.SameBytes(cpu_centers));
        CHECK(out.iterations == cpu.iterations && out.converged == cpu.converged);
        CHECK(std::fabs(out.inertia - cpu.inertia) <= 1e-12 * cpu.inertia);

        NearestMembersParams nearest;
        nearest.data = data.data();
        nearest.rows = shape.rows;
        nearest.dim = shape.dim;
        nearest.centers = cpu_centers.get();
        nearest.clusters = params.clusters;
        nearest.labels = cpu_labels.get();
        Between<std::int32_t> members(params.clusters), cpu_members(params.clusters);
        CHECK(Succeeds(cuda::NearestMembers(nearest, members.get(), TwoThreads())));
        CHECK(Succeeds(NearestMembers(nearest, cpu_members.get(), TwoThreads())));
        CHECK(members.Exactly() && members.SameBytes(cpu_members));
      }
    }
  }
}

}  // namespace
}  // namespace alfamix
