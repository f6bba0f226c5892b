// Labels, members and means of a k-means under way.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kmeans_progress.h"
#include "cpu/kmeans_rows.h"

namespace alfamix {

class KMeansClusters {
 public:
  KMeansClusters(const KMeansRows& rows, std::uint32_t clusters);

  // Labels (all -1 at first) and centers are the caller's.
  void Begin(std::int32_t* labels, float* centers);

  // Moves rows with to[i] >= 0 there.
  void Apply(const std::int32_t* to);
  void MoveRow(std::uint64_t row, std::int32_t to);
  // Average takes every cluster next time.
  void TouchAll() { std::fill(touched_.begin(), touched_.end(), std::uint8_t{1}); }

  // Each cluster without rows, in order, takes the row farthest from its own center (the lowest on a tie)
  // among rows of clusters with more than one; none is taken that lies on its center, so fewer distinct rows
  // than clusters leave some empty. Adds the rows taken to `taken`. False when aborted.
  bool FillEmpty(std::vector<std::uint64_t>* taken, KMeansProgress& progress);

  // Means of the clusters that rows joined or left since: sums in double, in row order, one cluster to a
  // thread. `changed`: those clusters; `moved`: those whose center has other bits now. `sums`: K x D, kept
  // where not null. False when aborted.
  bool Average(std::vector<std::uint32_t>* changed, std::vector<std::uint32_t>* moved, double* sums,
               KMeansProgress& progress);

  // Sum of squared distances to the own center; false when aborted.
  bool Inertia(double* inertia, KMeansProgress& progress);

  const std::uint64_t* counts() const { return counts_.data(); }

 private:
  bool MeasureDistances(KMeansProgress& progress);
  void SortMembers();

  const KMeansRows& rows_;
  const std::uint32_t clusters_;
  std::int32_t* labels_ = nullptr;
  float* centers_ = nullptr;
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint8_t> touched_;
  Buffer<double> distance_;
  Buffer<std::uint64_t> members_;
  std::vector<std::uint64_t> starts_;
};

}  // namespace alfamix
