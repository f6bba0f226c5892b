// Greedy k-means++ (Arthur and Vassilvitskii, 2007): each seed is the best of 2 + floor(ln K) rows drawn with
// probability proportional to the squared distance to the seeds so far (D^2, kept in float32). The draws are
// those of the TypeScript twin, kernels/js/kmeans-seeding.ts.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/level_table.h"
#include "cpu/progress.h"
#include "cpu/rng.h"
#include "kernels/kmeans.h"

namespace alfamix {

// norms2: squared norms of the rows. Returns the chosen rows; fewer than K only when aborted.
std::vector<std::uint64_t> SeedRows(const KMeansParams& params, const LevelTable& level, const float* norms2,
                                    int threads, Rng& rng, Progress& progress);

}  // namespace alfamix
