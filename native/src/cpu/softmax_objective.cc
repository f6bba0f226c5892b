#include "cpu/softmax_objective.h"

#include <algorithm>
#include <cstring>

#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Multiply-adds of a block: some hundred microseconds, so that an abort is seen soon.
constexpr std::uint64_t kBlockWork = 1 << 21;
// Below this much work a second thread costs more than it brings.
constexpr std::uint64_t kSerialWork = 1 << 20;
// Rows of a block come in whole register tiles.
constexpr std::uint64_t kTile = 8;

}  // namespace

SoftmaxObjective::SoftmaxObjective(const LevelTable& level, int threads, Progress& progress,
                                   std::uint64_t rows, std::uint32_t dim, std::uint32_t classes)
    : level_(level),
      threads_(threads),
      progress_(progress),
      dim_(dim),
      classes_(classes),
      stride_((std::size_t{classes} + 7) / 8 * 8),
      packed_(stride_ * dim),
      logits_(stride_ * rows),
      slopes_(stride_ * rows),
      residual_(stride_ * rows),
      row_value_(rows),
      row_slope_(rows),
      squares_(dim),
      inverse_diagonal_(std::size_t{dim} + 1) {}

template <typename Body>
void SoftmaxObjective::OverRows(std::uint64_t rows, std::uint64_t work, const Body& body) {
  const std::uint64_t size =
      std::max<std::uint64_t>(kBlockWork / std::max<std::uint64_t>(work, 1) / kTile * kTile, kTile);
  const int threads = rows * work < kSerialWork ? 1 : threads_;
  ThreadPool::Instance().ParallelFor((rows + size - 1) / size, threads, [&](std::uint64_t block, int) {
    body(block * size, std::min(rows, (block + 1) * size));
    return progress_.Add(0);
  });
}

void SoftmaxObjective::SetRows(const TrainingRows& rows) {
  rows_ = rows;
  std::fill_n(squares_.get(), dim_, 0.0);
  for (std::uint64_t i = 0; i < rows.rows; ++i) {
    const double* x = rows.x + i * dim_;
    for (std::uint32_t j = 0; j < dim_; ++j) squares_[j] += x[j] * x[j];
  }
}

void SoftmaxObjective::SetRidge(double l2) {
  l2_ = l2;
  // The Hessian's diagonal at V = 0, where every class has probability 1 / C.
  const double classes = classes_;
  const double spread = (1 - 1 / classes) / classes;
  for (std::uint32_t j = 0; j < dim_; ++j) inverse_diagonal_[j] = 1 / (spread * squares_[j] + l2);
  inverse_diagonal_[dim_] = 1 / (spread * static_cast<double>(rows_.rows));
}

double SoftmaxObjective::Start(const double* v, double* gradient) {
  Logits(rows_, v, logits_.get());
  std::fill_n(slopes_.get(), stride_ * rows_.rows, 0.0);
  vv_ = level_.dot_doubles(v, v, weights());
  vd_ = dd_ = 0;
  const double value = Probe(0).value;
  Gradient(v, gradient);
  return value;
}

void SoftmaxObjective::Aim(const double* v, const double* direction) {
  Logits(rows_, direction, slopes_.get());
  vv_ = level_.dot_doubles(v, v, weights());
  vd_ = level_.dot_doubles(v, direction, weights());
  dd_ = level_.dot_doubles(direction, direction, weights());
}

LinePoint SoftmaxObjective::Probe(double t) {
  OverRows(rows_.rows, 20 * std::uint64_t{classes_}, [&](std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t i = first; i < end; ++i) {
      row_value_[i] = level_.softmax_row(logits_.get() + i * stride_, slopes_.get() + i * stride_, t,
                                         classes_, static_cast<std::uint32_t>(rows_.labels[i]),
                                         residual_.get() + i * stride_, &row_slope_[i]);
    }
  });
  double value = 0, slope = 0;
  for (std::uint64_t i = 0; i < rows_.rows; ++i) {
    value += row_value_[i];
    slope += row_slope_[i];
  }
  probed_ = t;
  return {t, value + 0.5 * l2_ * (vv_ + t * (2 * vd_ + t * dd_)), slope + l2_ * (vd_ + t * dd_)};
}

void SoftmaxObjective::Advance(double t, const double* v, double* gradient) {
  if (probed_ != t) Probe(t);
  OverRows(rows_.rows, stride_, [&](std::uint64_t first, std::uint64_t end) {
    level_.add_scaled(t, slopes_.get() + first * stride_, (end - first) * stride_,
                      logits_.get() + first * stride_);
  });
  Gradient(v, gradient);
}

double SoftmaxObjective::Judge(const TrainingRows& held_out, const double* v, std::int32_t* right) {
  Logits(held_out, v, slopes_.get());
  std::fill_n(residual_.get(), 2 * stride_, 0.0);
  double* const still = residual_.get() + stride_;
  double loss = 0;
  for (std::uint64_t i = 0; i < held_out.rows; ++i) {
    const double* logits = slopes_.get() + i * stride_;
    if (std::max_element(logits, logits + classes_) - logits == held_out.labels[i]) ++*right;
    double slope;
    loss += level_.softmax_row(logits, still, 0, classes_, static_cast<std::uint32_t>(held_out.labels[i]),
                               residual_.get(), &slope);
  }
  return loss;
}

void SoftmaxObjective::Logits(const TrainingRows& rows, const double* v, double* out) {
  for (std::uint32_t j = 0; j < dim_; ++j)
    std::memcpy(packed_.get() + j * stride_, v + std::size_t{j} * classes_, classes_ * sizeof(double));
  const double* bias = v + weights();
  OverRows(rows.rows, stride_ * dim_, [&](std::uint64_t first, std::uint64_t end) {
    level_.double_product(rows.x + first * dim_, dim_, 1, packed_.get(), stride_, dim_, end - first,
                          out + first * stride_);
    for (std::uint64_t i = first; i < end; ++i) {
      for (std::uint32_t c = 0; c < classes_; ++c) out[i * stride_ + c] += bias[c];
    }
  });
}

void SoftmaxObjective::Gradient(const double* v, double* gradient) {
  OverRows(dim_, stride_ * rows_.rows, [&](std::uint64_t first, std::uint64_t end) {
    level_.double_product(rows_.x + first, 1, dim_, residual_.get(), stride_, rows_.rows, end - first,
                          packed_.get() + first * stride_);
    for (std::uint64_t j = first; j < end; ++j) {
      for (std::uint32_t c = 0; c < classes_; ++c)
        gradient[j * classes_ + c] = packed_[j * stride_ + c] + l2_ * v[j * classes_ + c];
    }
  });
  double* bias = gradient + weights();
  std::fill_n(bias, classes_, 0.0);
  for (std::uint64_t i = 0; i < rows_.rows; ++i) {
    const double* residual = residual_.get() + i * stride_;
    for (std::uint32_t c = 0; c < classes_; ++c) bias[c] += residual[c];
  }
  // The padding has been products of zeros; Logits relies on it.
}

}  // namespace alfamix
