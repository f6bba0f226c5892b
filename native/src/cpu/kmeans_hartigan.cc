#include "cpu/kmeans_hartigan.h"

#include <numeric>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kmeans_assign.h"
#include "cpu/reduce.h"

namespace alfamix {

namespace {

// A move must lower its rows' cost by more than sums in double round, or moves could go round in circles.
constexpr double kLeastGain = 1e-9;

class Sweep {
 public:
  Sweep(const KMeansRows& rows, std::uint32_t clusters)
      : rows_(rows), sums_(std::size_t{clusters} * rows.dim()), mean_(rows.dim()), row_(rows.dim()) {}

  double* sums() { return sums_.get(); }

  // Makes the moves that still pay; how many, or -1 when aborted.
  std::int64_t Make(const std::int32_t* to, const std::int32_t* labels, KMeansClusters& clusters,
                    KMeansProgress& progress) {
    std::int64_t made = 0;
    std::uint64_t looked = 0;
    for (std::uint64_t i = 0; i < rows_.size(); ++i) {
      if (to[i] < 0) continue;
      if ((++looked & 63) == 0 && !progress.GoOn()) return -1;
      const std::int32_t from = labels[i];
      const auto left = static_cast<double>(clusters.counts()[from]);
      const auto joined = static_cast<double>(clusters.counts()[to[i]]);
      if (left < 2) continue;
      const float* row = rows_.Row(i, row_.data());
      const double gain = left / (left - 1) * Distance2(row, from, left);
      const double loss = joined == 0 ? 0 : joined / (joined + 1) * Distance2(row, to[i], joined);
      if (!(loss < gain - kLeastGain * gain)) continue;
      double* from_sum = sums_.get() + static_cast<std::size_t>(from) * rows_.dim();
      double* to_sum = sums_.get() + static_cast<std::size_t>(to[i]) * rows_.dim();
      for (std::uint32_t j = 0; j < rows_.dim(); ++j) {
        from_sum[j] -= static_cast<double>(row[j]);
        to_sum[j] += static_cast<double>(row[j]);
      }
      clusters.MoveRow(i, to[i]);
      ++made;
    }
    return made;
  }

 private:
  double Distance2(const float* row, std::int32_t cluster, double count) {
    const double* sum = sums_.get() + static_cast<std::size_t>(cluster) * rows_.dim();
    for (std::uint32_t j = 0; j < rows_.dim(); ++j) mean_[j] = sum[j] / count;
    return SquaredDistance(row, mean_.data(), rows_.dim());
  }

  const KMeansRows& rows_;
  Buffer<double> sums_;
  std::vector<double> mean_;
  std::vector<float> row_;
};

}  // namespace

bool MoveRows(const KMeansRows& rows, const KMeansParams& params, KMeansClusters& clusters,
              KMeansOutput& output, KMeansProgress& progress) {
  KMeansAssign assign(rows, params.clusters, KMeansRule::kHartigan);
  Sweep sweep(rows, params.clusters);
  Buffer<std::int32_t> to(rows.size());
  std::vector<std::uint32_t> changed;
  std::vector<std::uint32_t> moved;
  clusters.TouchAll();
  if (!clusters.Average(&changed, &moved, sweep.sums(), progress)) return false;
  for (;; ++output.iterations) {
    assign.Move(output.centers, changed, clusters.counts());
    std::uint64_t moves = 0;
    if (!assign.Run(output.centers, output.labels, to.get(), &moves, progress)) return false;
    output.converged = moves == 0;
    if (output.converged || output.iterations >= params.max_iterations) return true;
    const std::int64_t made = sweep.Make(to.get(), output.labels, clusters, progress);
    if (made < 0) return false;
    output.converged = made == 0;
    if (output.converged) return true;
    if (!clusters.Average(&changed, &moved, sweep.sums(), progress)) return false;
  }
}

}  // namespace alfamix
