#include "cpu/scores_as_flips.h"
#include "cuda/kernels.h"

namespace alfamix::cuda {

Status ScoreUncertainty(const ScoreUncertaintyParams& params, const UncertaintyScores& output,
                        const JobOptions& options) {
  return cuda::FlipSearch(AsFlipSearch(params), AsFlipSearch(output), options);
}

}  // namespace alfamix::cuda
