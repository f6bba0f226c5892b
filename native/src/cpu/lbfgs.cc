#include "cpu/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/line_search.h"

namespace alfamix {

Lbfgs::Lbfgs(SoftmaxObjective& objective)
    : objective_(objective),
      level_(objective.level()),
      size_(objective.size()),
      gradient_(size_),
      direction_(size_) {
  // Two vectors a step: at a million weights and more, memory counts for more than iterations.
  const std::size_t capacity = size_ > 1000000 ? 6 : 12;
  for (std::size_t k = 0; k < capacity; ++k) steps_.push_back({Buffer<double>(size_), Buffer<double>(size_)});
  weights_.resize(capacity);
}

Minimum Lbfgs::Solve(double l2, Precision precision, double* v) {
  const std::uint32_t most = precision == Precision::kRough ? 200 : 5000;
  objective_.SetRidge(l2);
  Clear();
  first_norm_ = -1;
  double previous = std::numeric_limits<double>::infinity();
  double value = objective_.Start(v, gradient_.get());
  for (std::uint32_t iteration = 0;; ++iteration) {
    if (objective_.aborted() || Done(v, value, previous, l2, precision) || iteration == most)
      return {value, iteration};
    Direction();
    double slope = level_.dot_doubles(gradient_.get(), direction_.get(), size_);
    if (!(slope < 0)) {
      Clear();
      Direction();
      slope = level_.dot_doubles(gradient_.get(), direction_.get(), size_);
    }
    objective_.Aim(v, direction_.get());
    LinePoint step;
    if (!LineSearch(objective_, {0, value, slope}, &step)) {
      // Stale curvature can spoil a direction: once more from the plain gradient, then it is rounding.
      if (count_ == 0) return {value, iteration};
      Clear();
      continue;
    }
    Begin(step.t);
    level_.add_scaled(step.t, direction_.get(), size_, v);
    objective_.Advance(step.t, v, gradient_.get());
    End();
    previous = value;
    value = step.value;
  }
}

// The objective is l2-strongly convex in the weight: a gradient below e * l2 * |V| bounds its relative error
// by e.
bool Lbfgs::Done(const double* v, double value, double previous, double l2, Precision precision) {
  const double norm = std::sqrt(level_.dot_doubles(gradient_.get(), gradient_.get(), size_));
  if (first_norm_ < 0) first_norm_ = norm;
  if (norm == 0) return true;
  if (precision == Precision::kRough) return previous - value <= 1e-3 * value;
  const double size = std::sqrt(level_.dot_doubles(v, v, objective_.weights()));
  return norm <= std::max(1e-5 * l2 * size, 1e-13 * first_norm_);
}

void Lbfgs::Clear() {
  count_ = 0;
  scale_ = 1;
}

// direction = -H gradient.
void Lbfgs::Direction() {
  double* const d = direction_.get();
  for (std::size_t i = 0; i < size_; ++i) d[i] = -gradient_[i];
  for (std::size_t k = count_; k-- > 0;) {
    const Step& step = At(k);
    weights_[k] = level_.dot_doubles(step.s.get(), d, size_) / step.curvature;
    level_.add_scaled(-weights_[k], step.y.get(), size_, d);
  }
  const std::size_t classes = size_ - objective_.weights();
  const double* diagonal = objective_.inverse_diagonal();
  for (std::size_t j = 0; j * classes < size_; ++j) {
    const double factor = scale_ * diagonal[j];
    for (std::size_t c = 0; c < classes; ++c) d[j * classes + c] *= factor;
  }
  for (std::size_t k = 0; k < count_; ++k) {
    const Step& step = At(k);
    const double change = weights_[k] - level_.dot_doubles(step.y.get(), d, size_) / step.curvature;
    level_.add_scaled(change, step.s.get(), size_, d);
  }
}

// Notes the step taken and the gradient it starts from, in place of the oldest where the ring is full.
void Lbfgs::Begin(double t) {
  if (count_ == steps_.size()) {
    first_ = (first_ + 1) % steps_.size();
    --count_;
  }
  const Step& step = At(count_);
  for (std::size_t i = 0; i < size_; ++i) {
    step.s[i] = t * direction_[i];
    step.y[i] = -gradient_[i];
  }
}

// Completes the step with the gradient at its end. A step without positive curvature teaches nothing.
void Lbfgs::End() {
  Step& step = At(count_);
  level_.add_scaled(1, gradient_.get(), size_, step.y.get());
  step.curvature = level_.dot_doubles(step.s.get(), step.y.get(), size_);
  const std::size_t classes = size_ - objective_.weights();
  const double* diagonal = objective_.inverse_diagonal();
  double yHy = 0;
  for (std::size_t j = 0; j * classes < size_; ++j) {
    for (std::size_t c = 0; c < classes; ++c) {
      const double y = step.y[j * classes + c];
      yHy += y * y * diagonal[j];
    }
  }
  if (!(step.curvature > 1e-16 * yHy && std::isfinite(yHy))) return;
  scale_ = step.curvature / yHy;
  ++count_;
}

}  // namespace alfamix
