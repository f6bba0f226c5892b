// The uncertainty scores are those of a flip search without anchors, which makes them and nothing else.
#pragma once

#include "kernels/flip_search.h"
#include "kernels/score_uncertainty.h"

namespace alfamix {

inline FlipSearchParams AsFlipSearch(const ScoreUncertaintyParams& params) {
  FlipSearchParams search;
  search.pool = params.pool;
  search.weight = params.weight;
  search.bias = params.bias;
  search.classes = params.classes;
  return search;
}

inline FlipSearchOutput AsFlipSearch(const UncertaintyScores& output) {
  FlipSearchOutput scores;
  scores.pseudo_label = output.pseudo_label;
  scores.confidence = output.confidence;
  scores.margin = output.margin;
  scores.entropy = output.entropy;
  return scores;
}

}  // namespace alfamix
