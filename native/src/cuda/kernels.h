// The kernels of kernels/*.h on the device, under the same names in a namespace of their own.
#pragma once

#include "cuda/abi.h"

namespace alfamix::cuda {

Status FlipSearch(const FlipSearchParams& params, const FlipSearchOutput& output, const JobOptions& options);
Status ScoreUncertainty(const ScoreUncertaintyParams& params, const UncertaintyScores& output,
                        const JobOptions& options);
Status Interpolate(const InterpolateParams& params, const InterpolateOutput& output,
                   const JobOptions& options);
Status PseudoLabelGradient(const PseudoLabelGradientParams& params, const PseudoLabelGradientOutput& output,
                           const JobOptions& options);
Status ClosedFormAlpha(const ClosedFormAlphaParams& params, float* alpha, const JobOptions& options);
Status KCenterGreedy(const KCenterGreedyParams& params, const PickedRows& output, const JobOptions& options);
Status KMeansPlusPlus(const KMeansPlusPlusParams& params, const PickedRows& output,
                      const JobOptions& options);
Status KMeans(const KMeansParams& params, KMeansOutput& output, const JobOptions& options);
Status NearestMembers(const NearestMembersParams& params, std::int32_t* members, const JobOptions& options);
// Whether the device computes at all, and right.
Status SelfTest(const JobOptions& options);

}  // namespace alfamix::cuda
