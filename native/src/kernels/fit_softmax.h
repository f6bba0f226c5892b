// Multinomial logistic regression with a ridge: the V (n x C) and b (C) that minimise
//   sum over rows of CE(x_i V + b, y_i) + (l2 / 2) |V|^2.
// Among several ridges the one that predicts held-out rows best: most right, then the lower loss, then the
// larger ridge. Each fit starts where that of the ridge before ended, the last one, on all rows, where the
// first fold's did.
//
// L-BFGS (Liu and Nocedal, 1989) in double; |V - V*| / |V*| about 1e-5 at most. Sums have one order whatever
// the level and the threads, exp and log are our own: the bytes are those of the TypeScript twin. Cost: two
// products of M * n * C multiply-adds an iteration; folds run side by side. Memory a thread: a copy of the
// rows, 3 * M * C and 24 * n * C doubles (12 above a million unknowns).
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct FitSoftmaxParams {
  const double* data = nullptr;          // M x n, finite, each row's squares with a finite sum
  std::uint64_t rows = 0;                // M < 2^31
  std::uint32_t dim = 0;                 // n
  const std::int32_t* labels = nullptr;  // M classes, every one of 0 ... C - 1 present
  std::uint32_t classes = 0;             // C >= 2
  const double* ridges = nullptr;        // R, above 0, from strong to weak
  std::uint32_t ridge_count = 0;         // R >= 1; 1 without folds
  const std::int32_t* folds = nullptr;   // M: the fold that holds each row out, or -1; may be null
  std::uint32_t fold_count = 0;          // F; each holds a row out and leaves one of every class
};

struct FitSoftmaxOutput {
  double* solution = nullptr;     // (n + 1) x C: V, then b
  std::int32_t* right = nullptr;  // R: held-out rows predicted right
  double* loss = nullptr;         // R: sum of their -ln p
  std::uint32_t ridge = 0;        // index of the ridge chosen
  double objective = 0;
  std::uint32_t iterations = 0;  // of the fit on all rows
};

// Progress in fits: F * R + 1. Errors: kInvalidArgument, kNonFinite (row), kOutOfMemory, kAborted.
Status FitSoftmax(const FitSoftmaxParams& params, FitSoftmaxOutput* output, const JobOptions& options);

}  // namespace alfamix
