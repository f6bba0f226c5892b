// A step that meets the strong Wolfe conditions. Line by line packages/core/src/kernels/js/line-search.ts,
// which names the sources and says why.
#pragma once

#include "cpu/softmax_objective.h"

namespace alfamix {

// The step from `start` along the direction the objective was aimed at; false when none lowers the value.
bool LineSearch(SoftmaxObjective& objective, const LinePoint& start, LinePoint* step);

}  // namespace alfamix
