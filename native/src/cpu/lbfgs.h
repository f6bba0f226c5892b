// Limited-memory BFGS (Liu and Nocedal, 1989) with a strong Wolfe line search, step by step
// packages/core/src/kernels/js/{lbfgs,solve}.ts.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/softmax_objective.h"

namespace alfamix {

enum class Precision {
  kRough,  // close enough to rank ridges by held-out loss
  kFull,   // the weight within about 1e-5 of the minimum's, norm-wise
};

struct Minimum {
  double value = 0;
  std::uint32_t iterations = 0;
};

class Lbfgs {
 public:
  // All memory that minimising takes.
  explicit Lbfgs(SoftmaxObjective& objective);

  // Minimises from v, in place; stops early once the objective's job is aborted.
  Minimum Solve(double l2, Precision precision, double* v);

 private:
  struct Step {
    Buffer<double> s, y;
    double curvature = 0;
  };

  bool Done(const double* v, double value, double previous, double l2, Precision precision);
  void Direction();
  void Begin(double t);
  void End();
  void Clear();
  Step& At(std::size_t k) { return steps_[(first_ + k) % steps_.size()]; }

  SoftmaxObjective& objective_;
  const LevelTable& level_;
  const std::size_t size_;
  Buffer<double> gradient_, direction_;
  std::vector<Step> steps_;  // a ring: the last count_ steps from first_, and one more to write
  std::vector<double> weights_;
  std::size_t first_ = 0, count_ = 0;
  double scale_ = 1;
  double first_norm_ = -1;
};

}  // namespace alfamix
