#include "cpu/kmeans_clusters.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "cpu/row_blocks.h"
#include "cpu/thread_pool.h"

namespace alfamix {

KMeansClusters::KMeansClusters(const KMeansRows& rows, std::uint32_t clusters)
    : rows_(rows),
      clusters_(clusters),
      counts_(clusters),
      touched_(clusters),
      distance_(rows.size()),
      members_(rows.size()),
      starts_(std::size_t{clusters} + 1) {}

void KMeansClusters::Begin(std::int32_t* labels, float* centers) {
  labels_ = labels;
  centers_ = centers;
  std::fill_n(labels_, rows_.size(), -1);
  std::fill(counts_.begin(), counts_.end(), 0u);
  std::fill(touched_.begin(), touched_.end(), std::uint8_t{0});
}

void KMeansClusters::MoveRow(std::uint64_t row, std::int32_t to) {
  std::int32_t& label = labels_[row];
  if (label >= 0) {
    --counts_[label];
    touched_[label] = 1;
  }
  ++counts_[to];
  touched_[to] = 1;
  label = to;
}

void KMeansClusters::Apply(const std::int32_t* to) {
  for (std::uint64_t i = 0; i < rows_.size(); ++i) {
    if (to[i] >= 0) MoveRow(i, to[i]);
  }
}

bool KMeansClusters::MeasureDistances(KMeansProgress& progress) {
  const std::size_t dim = rows_.dim();
  const RowBlocks blocks(rows_.size(), dim, rows_.threads());
  std::vector<std::vector<float>> scratch(rows_.threads(), std::vector<float>(dim));
  ThreadPool::Instance().ParallelFor(blocks.count(), blocks.threads(), [&](std::uint64_t block, int slot) {
    for (std::uint64_t i = blocks.First(block); i < blocks.End(block); ++i)
      distance_[i] = rows_.Distance2(i, centers_ + labels_[i] * dim, scratch[slot].data());
    return progress.GoOn();
  });
  return !progress.aborted();
}

bool KMeansClusters::Inertia(double* inertia, KMeansProgress& progress) {
  if (!MeasureDistances(progress)) return false;
  *inertia = 0;
  for (std::uint64_t i = 0; i < rows_.size(); ++i) *inertia += distance_[i];
  return true;
}

bool KMeansClusters::FillEmpty(std::vector<std::uint64_t>* taken, KMeansProgress& progress) {
  if (std::find(counts_.begin(), counts_.end(), 0u) == counts_.end()) return true;
  if (!MeasureDistances(progress)) return false;
  for (std::uint32_t empty = 0; empty < clusters_; ++empty) {
    if (counts_[empty] > 0) continue;
    std::int64_t farthest = -1;
    for (std::uint64_t i = 0; i < rows_.size(); ++i) {
      if (counts_[labels_[i]] > 1 && distance_[i] > (farthest < 0 ? 0.0 : distance_[farthest])) {
        farthest = static_cast<std::int64_t>(i);
      }
    }
    if (farthest < 0) break;
    MoveRow(static_cast<std::uint64_t>(farthest), static_cast<std::int32_t>(empty));
    taken->push_back(static_cast<std::uint64_t>(farthest));
    distance_[farthest] = 0;
    if (!progress.GoOn()) return false;
  }
  return true;
}

void KMeansClusters::SortMembers() {
  starts_[0] = 0;
  for (std::uint32_t k = 0; k < clusters_; ++k) starts_[k + 1] = starts_[k] + (touched_[k] ? counts_[k] : 0);
  std::vector<std::uint64_t> next(starts_.begin(), starts_.end() - 1);
  for (std::uint64_t i = 0; i < rows_.size(); ++i) {
    if (touched_[labels_[i]]) members_[next[labels_[i]]++] = i;
  }
}

bool KMeansClusters::Average(std::vector<std::uint32_t>* changed, std::vector<std::uint32_t>* moved,
                             double* sums, KMeansProgress& progress) {
  SortMembers();
  changed->clear();
  for (std::uint32_t k = 0; k < clusters_; ++k) {
    if (touched_[k]) changed->push_back(k);
  }
  const std::size_t dim = rows_.dim();
  const int threads = starts_[clusters_] * dim < (1 << 18) ? 1 : rows_.threads();
  std::vector<std::vector<double>> own_sums(threads, std::vector<double>(dim));
  std::vector<std::uint8_t> differs(changed->size());
  ThreadPool::Instance().ParallelFor(changed->size(), threads, [&](std::uint64_t at, int slot) {
    const std::uint32_t k = (*changed)[at];
    double* sum = sums == nullptr ? own_sums[slot].data() : sums + k * dim;
    std::fill_n(sum, dim, 0.0);
    if (counts_[k] == 0) return true;
    for (std::uint64_t member = starts_[k]; member < starts_[k + 1]; ++member) {
      rows_.AddTo(members_[member], sum);
      if ((member & 255) == 255 && !progress.GoOn()) return false;
    }
    const auto count = static_cast<double>(counts_[k]);
    float* center = centers_ + k * dim;
    for (std::size_t j = 0; j < dim; ++j) {
      const float mean = static_cast<float>(sum[j] / count);
      if (std::memcmp(&mean, center + j, sizeof(float)) != 0) differs[at] = 1;
      center[j] = mean;
    }
    return progress.GoOn();
  });
  if (progress.aborted()) return false;
  moved->clear();
  for (std::size_t at = 0; at < changed->size(); ++at) {
    if (differs[at]) moved->push_back((*changed)[at]);
  }
  std::fill(touched_.begin(), touched_.end(), std::uint8_t{0});
  return true;
}

}  // namespace alfamix
