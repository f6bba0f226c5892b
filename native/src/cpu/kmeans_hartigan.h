// Hartigan's moves, which end lower than Lloyd's iteration.
//
// Moving a row from cluster a to b changes the inertia by n_b / (n_b + 1) |x - c_b|^2 - n_a / (n_a - 1) |x -
// c_a|^2, which may be negative although c_a is nearer. A sweep finds for each row the best b with the
// centers as they are, then makes the moves one by one, in row order, where the rule holds for sums and
// counts that move with them. They start from one update of Lloyd's: from its fixed point they end no lower,
// and later. Where K is a large part of M inertia is some percent below Lloyd's; with many rows a cluster by
// little. (Hartigan and Wong, 1979; Telgarsky and Vattani, 2010.) The twin is kernels/js/kmeans-hartigan.ts.
#pragma once

#include <cstdint>

#include "cpu/kmeans_clusters.h"
#include "cpu/kmeans_progress.h"
#include "cpu/kmeans_rows.h"
#include "kernels/kmeans.h"

namespace alfamix {

// From the labels and centers of `output`, the means of their rows; goes on counting its iterations. False
// when aborted.
bool MoveRows(const KMeansRows& rows, const KMeansParams& params, KMeansClusters& clusters,
              KMeansOutput& output, KMeansProgress& progress);

}  // namespace alfamix
