// The pseudo-label's gradient on the device against the double-precision row.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "check.h"
#include "cuda/kernels.h"
#include "flip_problem.h"

namespace alfamix {
namespace {

struct Gradients {
  std::vector<float> gradient;
  std::vector<std::int32_t> label;
  Status status;
};

Gradients GradientsOnDevice(const Problem& problem, bool unit) {
  PseudoLabelGradientParams params;
  params.data = problem.pool.data();
  params.rows = problem.rows;
  params.dim = problem.dim;
  params.weight = problem.weight.data();
  params.bias = problem.bias.data();
  params.classes = problem.classes;
  params.unit = unit;
  Gradients out{std::vector<float>(problem.pool.size(), kNan),
                std::vector<std::int32_t>(problem.rows, kPoison), Status()};
  out.status = cuda::PseudoLabelGradient(params, {out.gradient.data(), out.label.data()}, JobOptions());
  return out;
}

// Within 1e-4 of its norm, and zero where it is.
void CheckGradients(const Problem& problem, bool unit) {
  const Gradients out = GradientsOnDevice(problem, unit);
  CHECK_OK(out.status);
  FlipSearchParams head = problem.Params();
  head.anchor_count = 0;
  const FlipRowTables tables(head);
  const FlipRowScratch scratch(problem.classes, problem.dim);
  for (std::uint64_t i = 0; i < problem.rows; ++i) {
    FlipRowResult exact;
    CHECK(PredictRow(tables, problem.pool.data() + i * problem.dim, scratch, &exact));
    CHECK(out.label[i] == exact.pseudo_label);
    const double norm =
        std::sqrt(GradientRow(tables, static_cast<std::uint32_t>(exact.pseudo_label), scratch));
    const double scale = norm == 0 ? 0 : unit ? 1 / norm : exact.doubt;
    double error2 = 0;
    for (std::uint32_t j = 0; j < problem.dim; ++j) {
      const double off =
          static_cast<double>(out.gradient[i * problem.dim + j]) - static_cast<float>(scratch.g[j] * scale);
      error2 += off * off;
    }
    CHECK(std::sqrt(error2) <= 1e-4 * norm * scale);
  }
}

TEST(EveryKindAndSize) {
  for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
    for (const std::uint32_t dim : {1u, 3u, 32u, 45u}) {
      for (const std::uint32_t classes : {2u, 7u}) {
        const Problem problem(1 + dim * 7, dim, classes, 0, static_cast<Kind>(kind));
        for (const bool unit : {false, true}) CheckGradients(problem, unit);
      }
    }
  }
}

TEST(ManyClassesAndSureHeads) {
  for (const float sharpness : {0.05f, 1.0f, 30.0f}) {
    Problem problem(140, 24, 70, 0, Kind::kPlain);
    for (float& x : problem.weight) x *= sharpness;
    for (const bool unit : {false, true}) CheckGradients(problem, unit);
  }
}

TEST(SeveralChunks) { CheckGradients(Problem(9001, 33, 3, 0, Kind::kRelu), true); }

TEST(EqualHeadRowsGiveZero) {
  Problem problem(37, 21, 4, 0, Kind::kPlain);
  for (std::uint32_t c = 1; c < problem.classes; ++c)
    std::copy_n(problem.weight.data(), problem.dim, problem.weight.data() + c * problem.dim);
  for (const bool unit : {false, true}) {
    for (const float x : GradientsOnDevice(problem, unit).gradient) CHECK(x == 0);
  }
}

TEST(LowestBadRowIsNamed) {
  Problem problem(5000, 33, 3, 0, Kind::kPlain);
  problem.pool[4999 * 33 + 2] = kNan;
  problem.pool[1234 * 33 + 32] = -HUGE_VALF;
  const Gradients out = GradientsOnDevice(problem, false);
  CHECK(out.status.code == Code::kNonFinite);
  CHECK(out.status.row == 1234);
}

}  // namespace
}  // namespace alfamix
