#include "kernels/kmeans_plus_plus.h"

#include <new>

#include "cpu/levels.h"
#include "cpu/seed_sampler.h"

namespace alfamix {

Status KMeansPlusPlus(const KMeansPlusPlusParams& params, const PickedRows& output,
                      const JobOptions& options) {
  if (params.dim == 0 || params.clusters == 0 || params.clusters > params.rows || params.rows > 0x7fffffff)
    return Status::Error(Code::kInvalidArgument, "expected dimensions, and clusters of 1 to rows");
  try {
    Progress progress(options, params.clusters);
    return SeedSampler(params, *LevelAt(options.level).table, options.threads, progress, output).Run();
  } catch (const std::bad_alloc&) {
    return Status::Error(Code::kOutOfMemory, "not enough memory for k-means++");
  }
}

}  // namespace alfamix
