// The kernels that go row by row, as whole calls from host memory: they move so many bytes for so little work
// that the bus is what counts.
#include <memory>

#include "bench/cases.h"
#include "bench/data.h"
#include "bench/whole_call.h"
#include "cuda/kernels.h"

namespace alfamix::bench {

namespace {

constexpr std::uint32_t kDim = 512;
constexpr std::uint32_t kClasses = 10;
constexpr std::uint32_t kAnchors = 10;

std::string Shape(std::uint64_t rows, const char* rest) {
  return Grouped(rows) + " x " + std::to_string(kDim) + rest;
}

// Rows, a head, anchors and what else the three take, in host memory.
struct Problem {
  Problem(std::uint64_t rows, bool second) : anchor_index(rows), labels(rows) {
    data = HostValues(rows, kDim, Values::kUniform, 1);
    if (second) beside = HostValues(rows, kDim, Values::kUniform, 2);
    weight = HostValues(kClasses, kDim, Values::kUniform, 3);
    bias = HostValues(kClasses, 1, Values::kUniform, 4);
    anchors = HostValues(kAnchors, kDim, Values::kUniform, 5);
    for (std::uint64_t i = 0; i < rows; ++i)
      anchor_index[i] = static_cast<std::int32_t>((i * 2654435761u >> 7) % kAnchors);
    out.resize(rows * kDim);
  }
  std::vector<float> data, beside, weight, bias, anchors, out;
  std::vector<std::int32_t> anchor_index, labels;
};

Status InterpolateCase(const Setup& setup, Measurement* out) {
  const std::uint64_t rows = setup.Rows(1000000, 37, 0, 12.0 * kDim);
  std::vector<float> logits(rows * kClasses);
  std::unique_ptr<Problem> problem;
  out->shape = Shape(rows, ", C = 10");
  out->work = InterpolateWork(static_cast<double>(rows), kDim, kClasses);
  return TimeWholeCalls(
      setup, out, [&] { problem = std::make_unique<Problem>(rows, true); },
      [&] {
        InterpolateParams params;
        params.data = problem->data.data();
        params.rows = rows;
        params.dim = kDim;
        params.anchors = problem->anchors.data();
        params.anchor_count = kAnchors;
        params.anchor_index = problem->anchor_index.data();
        params.alpha = problem->beside.data();
        params.weight = problem->weight.data();
        params.bias = problem->bias.data();
        params.classes = kClasses;
        return cuda::Interpolate(params, {problem->out.data(), logits.data()}, AllThreads());
      });
}

Status PseudoLabelGradientCase(const Setup& setup, Measurement* out) {
  const std::uint64_t rows = setup.Rows(1000000, 37, 0, 8.0 * kDim);
  std::unique_ptr<Problem> problem;
  out->shape = Shape(rows, ", C = 10");
  out->work = PseudoLabelGradientWork(static_cast<double>(rows), kDim, kClasses);
  return TimeWholeCalls(
      setup, out, [&] { problem = std::make_unique<Problem>(rows, false); },
      [&] {
        PseudoLabelGradientParams params;
        params.data = problem->data.data();
        params.rows = rows;
        params.dim = kDim;
        params.weight = problem->weight.data();
        params.bias = problem->bias.data();
        params.classes = kClasses;
        return cuda::PseudoLabelGradient(params, {problem->out.data(), problem->labels.data()}, AllThreads());
      });
}

Status ClosedFormAlphaCase(const Setup& setup, Measurement* out) {
  const std::uint64_t rows = setup.Rows(1000000, 37, 0, 12.0 * kDim);
  std::unique_ptr<Problem> problem;
  out->shape = Shape(rows, ", K = 10");
  out->work = ClosedFormAlphaWork(static_cast<double>(rows), kDim, kAnchors);
  return TimeWholeCalls(
      setup, out, [&] { problem = std::make_unique<Problem>(rows, true); },
      [&] {
        ClosedFormAlphaParams params;
        params.data = problem->data.data();
        params.rows = rows;
        params.dim = kDim;
        params.anchors = problem->anchors.data();
        params.anchor_count = kAnchors;
        params.anchor_index = problem->anchor_index.data();
        params.gradient = problem->beside.data();
        params.cap = 0.2;
        return cuda::ClosedFormAlpha(params, problem->out.data(), AllThreads());
      });
}

}  // namespace

const std::vector<Case>& RowCases() {
  static const std::vector<Case> cases = {
      {"interpolate", Goal::kNone, InterpolateCase},
      {"pseudoLabelGradient", Goal::kNone, PseudoLabelGradientCase},
      {"closedFormAlpha", Goal::kNone, ClosedFormAlphaCase},
  };
  return cases;
}

}  // namespace alfamix::bench
