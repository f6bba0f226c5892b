// Batched greedy k-means++. D^2: a row's squared distance to the nearest seed so far, in double. The
// first seed is drawn uniformly. Then, until there are K, as many seeds at once as there are already,
// at most 8: 8 candidates for each are drawn with probability proportional to D^2, and each time the
// candidate with the largest gain becomes a seed, the sum by which D^2 falls; the first drawn on a tie, none
// without a gain.
//
// One pass over the rows serves a batch: it gives each candidate's gain an upper bound in float32, and a bit
// for each row whose D^2 it may lower. Gains only fall while seeds are added, so that those of a few
// candidates at the top are enough to know the largest; they are summed in double over their rows' exact
// distances, in row order. So the seeds are those of the TypeScript twin, kernels/js/kmeans-seeding.ts. Cost:
// 8 * M * K * D multiply-adds; memory: 16 bytes a row, and 16 for each distance summed, at most 512 bytes a
// row in an early batch.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/kmeans_progress.h"
#include "cpu/kmeans_rows.h"
#include "cpu/rng.h"

namespace alfamix {

// The rows chosen; fewer than `clusters` only when aborted.
std::vector<std::uint64_t> SeedRows(const KMeansRows& rows, std::uint32_t clusters, Rng& rng,
                                    KMeansProgress& progress);

}  // namespace alfamix
