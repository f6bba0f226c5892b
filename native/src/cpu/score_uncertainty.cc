#include "cpu/scores_as_flips.h"

namespace alfamix {

Status ScoreUncertainty(const ScoreUncertaintyParams& params, const UncertaintyScores& output,
                        const JobOptions& options) {
  return FlipSearch(AsFlipSearch(params), AsFlipSearch(output), options);
}

}  // namespace alfamix
