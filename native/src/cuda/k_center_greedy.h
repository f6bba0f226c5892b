// Farthest-first traversal with the length of its launches in the caller's hands: tests shorten them.
#pragma once

#include "kernels/k_center_greedy.h"

namespace alfamix::cuda {

// Multiply-adds of a launch for each multiprocessor: a few milliseconds, in double some 20.
constexpr double kWorkOfLaunch = 1e8;

// KCenterGreedy; results don't depend on `work_of_launch`.
Status KCenterGreedyWithin(double work_of_launch, const KCenterGreedyParams& params, const PickedRows& output,
                           const JobOptions& options);

}  // namespace alfamix::cuda
