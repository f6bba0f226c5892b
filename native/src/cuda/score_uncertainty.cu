#include "cuda/kernels.h"

namespace alfamix::cuda {

Status ScoreUncertainty(const ScoreUncertaintyParams& params, const UncertaintyScores& output,
                        const JobOptions& options) {
  // A flip search without anchors makes these scores and nothing else.
  FlipSearchParams search;
  search.pool = params.pool;
  search.weight = params.weight;
  search.bias = params.bias;
  search.classes = params.classes;
  FlipSearchOutput scores;
  scores.pseudo_label = output.pseudo_label;
  scores.confidence = output.confidence;
  scores.margin = output.margin;
  scores.entropy = output.entropy;
  return cuda::FlipSearch(search, scores, options);
}

}  // namespace alfamix::cuda
