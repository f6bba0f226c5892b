// Multinomial logistic regression with a ridge, met along lines: logits are kept at the present point and
// along the present direction, so that an iteration reads the rows twice (logits of the direction, gradient)
// however many probes the line search makes. The TypeScript twin:
// packages/core/src/kernels/js/softmax-objective.ts.
#pragma once

#include <cstdint>

#include "cpu/buffer.h"
#include "cpu/level_table.h"
#include "cpu/progress.h"

namespace alfamix {

struct TrainingRows {
  const double* x = nullptr;             // M x n
  const std::int32_t* labels = nullptr;  // M
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
  std::uint32_t classes = 0;
};

// A point of a line: t, the value f(v + t d) and its slope in t.
struct LinePoint {
  double t = 0;
  double value = 0;
  double slope = 0;
};

class SoftmaxObjective {
 public:
  // For up to `rows` rows; all memory it needs.
  SoftmaxObjective(const LevelTable& level, int threads, Progress& progress, std::uint64_t rows,
                   std::uint32_t dim, std::uint32_t classes);

  // The unknowns: V (n x C, row-major), then b (C).
  std::size_t size() const { return std::size_t{classes_} * (dim_ + 1); }
  std::size_t weights() const { return std::size_t{classes_} * dim_; }
  const LevelTable& level() const { return level_; }

  // The rows to fit; borrowed.
  void SetRows(const TrainingRows& rows);
  // Call before Start.
  void SetRidge(double l2);
  // A guess at the inverse of the Hessian's diagonal: of the n weights of a class, then of its bias.
  const double* inverse_diagonal() const { return inverse_diagonal_.get(); }

  // Goes to v: returns the value there and writes the gradient.
  double Start(const double* v, double* gradient);
  // Takes the direction in which the next probes look from v, the present point.
  void Aim(const double* v, const double* direction);
  LinePoint Probe(double t);
  // Goes to the probed t, which is v: writes the gradient.
  void Advance(double t, const double* v, double* gradient);

  // Other rows' losses -ln p summed, and how many are predicted right.
  double Judge(const TrainingRows& held_out, const double* v, std::int32_t* right);

  // After an abort the numbers mean nothing.
  bool aborted() const { return progress_.aborted(); }

 private:
  void Logits(const TrainingRows& rows, const double* v, double* out);
  void Gradient(const double* v, double* gradient);
  // Rows cut into blocks for threads, about `work` multiply-adds a row.
  template <typename Body>
  void OverRows(std::uint64_t rows, std::uint64_t work, const Body& body);

  const LevelTable& level_;
  const int threads_;
  Progress& progress_;
  const std::uint32_t dim_, classes_;
  const std::size_t stride_;  // C rounded up to 8: of the matrices below; the rest of a row is 0
  TrainingRows rows_;
  double l2_ = 0;
  Buffer<double> packed_;                      // n x stride, or n x stride of a gradient
  Buffer<double> logits_, slopes_, residual_;  // M x stride
  Buffer<double> row_value_, row_slope_;       // M
  Buffer<double> squares_;                     // n
  Buffer<double> inverse_diagonal_;            // n + 1
  // |V|^2, V . D and |D|^2, for D the direction's part that belongs to V.
  double vv_ = 0, vd_ = 0, dd_ = 0;
  double probed_ = 0;
};

}  // namespace alfamix
