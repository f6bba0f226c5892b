#include "cpu/kmeans_assign.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Above this share of moved centers all are looked at: few rows could keep what is known of them.
constexpr double kMostlyMoved = 0.7;

}  // namespace

struct KMeansAssign::Pass {
  const KMeansColumns& columns;
  const std::vector<std::uint32_t>* clusters;  // of the columns; null: all
  const float* centers;
  const std::int32_t* labels;
  std::int32_t* to;
  std::atomic<std::uint64_t>* moves;
  const std::vector<std::uint64_t>* which;  // the rows; null: all

  bool full() const { return clusters == nullptr; }
  std::uint64_t rows(const KMeansRows& all) const { return which == nullptr ? all.size() : which->size(); }
};

KMeansAssign::KMeansAssign(const KMeansRows& rows, std::uint32_t clusters, KMeansRule rule)
    : rows_(rows),
      clusters_(clusters),
      rule_(rule),
      error_(rows, rule == KMeansRule::kHartigan),
      all_(rows, clusters, rule == KMeansRule::kHartigan),
      some_(rows, clusters, rule == KMeansRule::kHartigan),
      column_(clusters),
      half_norms_(clusters),
      join_(clusters, 1),
      leave_(clusters, 1),
      own_(rows.size()),
      other_(rows.size()),
      slots_(static_cast<std::size_t>(rows.threads())) {
  all_.Resize(clusters);
  for (Slot& slot : slots_) {
    slot.packed = Buffer<float>(rows.block_floats());
    slot.plain = Buffer<float>(kBlockRows * (std::size_t{rows.dim()} + 1 + all_.panels().padded));
  }
  Reset();
}

void KMeansAssign::Reset() { std::fill_n(other_.get(), rows_.size(), HUGE_VALF); }

void KMeansAssign::Move(const float* centers, const std::vector<std::uint32_t>& moved,
                        const std::uint64_t* counts) {
  moved_ = moved;
  const std::size_t dim = rows_.dim();
  for (const std::uint32_t k : moved) {
    half_norms_[k] = rows_.level().squared_distance(centers + k * dim, rows_.shift(), dim) / 2;
    error_.Include(half_norms_[k]);
    if (rule_ == KMeansRule::kNearest) continue;
    const auto n = static_cast<double>(counts[k]);
    join_[k] = n / (n + 1);
    leave_[k] = n > 1 ? n / (n - 1) : HUGE_VAL;
  }
  std::vector<KMeansColumns::Column> columns;
  for (const std::uint32_t k : moved)
    columns.push_back({k, centers + k * dim, half_norms_[k], static_cast<float>(join_[k])});
  all_.Write(columns);
  if (static_cast<double>(moved.size()) > kMostlyMoved * clusters_) return;
  some_.Resize(static_cast<std::uint32_t>(moved.size()));
  for (std::size_t at = 0; at < columns.size(); ++at) columns[at].at = static_cast<std::uint32_t>(at);
  some_.Write(columns);
}

bool KMeansAssign::Run(const float* centers, const std::int32_t* labels, std::int32_t* to,
                       std::uint64_t* moves, KMeansProgress& progress) {
  std::atomic<std::uint64_t> count{0};
  const bool full = static_cast<double>(moved_.size()) > kMostlyMoved * clusters_;
  progress.BeginPass(full ? 1 : static_cast<double>(moved_.size()) / clusters_, rows_.size());
  if (full) {
    std::iota(column_.begin(), column_.end(), 0);
  } else {
    std::fill(column_.begin(), column_.end(), -1);
    for (std::size_t at = 0; at < moved_.size(); ++at) column_[moved_[at]] = static_cast<std::int32_t>(at);
  }
  const Pass pass = {full ? all_ : some_, full ? nullptr : &moved_, centers, labels, to, &count, nullptr};
  if (!RunPass(pass, progress)) return false;

  std::vector<std::uint64_t> look;
  for (Slot& slot : slots_) {
    look.insert(look.end(), slot.look.begin(), slot.look.end());
    slot.look.clear();
  }
  if (!look.empty()) {
    progress.BeginPass(static_cast<double>(look.size()) / static_cast<double>(rows_.size()), look.size());
    std::sort(look.begin(), look.end());
    std::iota(column_.begin(), column_.end(), 0);
    if (!RunPass({all_, nullptr, centers, labels, to, &count, &look}, progress)) return false;
  }
  *moves = count.load();
  return true;
}

bool KMeansAssign::RunPass(const Pass& pass, KMeansProgress& progress) {
  const std::uint64_t count = pass.rows(rows_);
  const auto size = static_cast<std::uint64_t>(rows_.block_rows());
  const int threads = rows_.ThreadsFor(count, pass.columns.panels().padded);
  ThreadPool::Instance().ParallelFor(rows_.Blocks(count), threads, [&](std::uint64_t block, int at) {
    Slot& slot = slots_[static_cast<std::size_t>(at)];
    const std::uint64_t first = block * size;
    const int n = static_cast<int>(std::min(size, count - first));
    const std::uint64_t* which = pass.which == nullptr ? nullptr : pass.which->data() + first;
    rows_.Pack(first, which, n, rule_ == KMeansRule::kHartigan, slot.packed.get());
    std::int32_t own_columns[kMostPacked];
    std::int32_t best[kMostPacked];
    float best_score[kMostPacked];
    float second[kMostPacked];
    float own[kMostPacked];
    for (int r = 0; r < n; ++r) {
      const std::int32_t label = pass.labels[which == nullptr ? first + r : which[r]];
      own_columns[r] = label < 0 ? -1 : column_[label];
    }
    const float* next[kMostPacked];
    const std::uint64_t then = first + size * static_cast<std::uint64_t>(threads);
    const AheadRows ahead = rows_.Ahead(then, count, pass.which, next);
    const TopTwo found = {best, best_score, second, own};
    if (!pass.columns.FindTopTwo(slot.packed.get(), n, own_columns, &ahead, found, progress)) return false;
    for (int r = 0; r < n; ++r) {
      const std::uint64_t row = which == nullptr ? first + r : which[r];
      Decide(pass, slot, row, best[r], best_score[r], second[r], own[r]);
    }
    for (std::size_t i = 0; i < slot.close.size(); i += kBlockRows) {
      const int some = static_cast<int>(std::min<std::size_t>(kBlockRows, slot.close.size() - i));
      DecideInDouble(pass, slot, slot.close.data() + i, some);
      if (!progress.GoOn()) return false;
    }
    slot.close.clear();
    return progress.Add(n);
  });
  return !progress.aborted();
}

// `best`: a column, `own`: its own center's score where that is among the columns.
void KMeansAssign::Decide(const Pass& pass, Slot& slot, std::uint64_t row, std::int32_t best,
                          float best_score, float second, float own) {
  const std::int32_t label = pass.labels[row];
  const bool own_moved = label < 0 || column_[label] >= 0;
  const float other = pass.full() ? -HUGE_VALF : other_[row];
  if (!own_moved)
    own = own_[row];
  else if (rule_ == KMeansRule::kHartigan)
    own *= static_cast<float>(leave_[label] / join_[label]);
  const float close = error_.Of(row);
  const bool alone = rule_ == KMeansRule::kHartigan && leave_[label] == HUGE_VAL;
  // Where the own center didn't move, nor did any that was worse before without being worse now.
  const float rival = own_moved ? std::max(best_score, other) : best_score;
  if (alone || (own - rival > close && other < HUGE_VALF)) return Take(pass, row, -1, own, best_score, other);
  const float rest = std::max(std::max(second, other), own);
  if (best_score - rest > close) {
    const std::int32_t cluster = pass.full() ? best : static_cast<std::int32_t>((*pass.clusters)[best]);
    return Take(pass, row, cluster, own, best_score, std::max(second, other));
  }
  (pass.full() ? slot.close : slot.look).push_back(row);
}

// What is kept of a row that goes `to`, or stays (-1); `best`: the best other center's score, `rest`: a bound
// on the others'.
void KMeansAssign::Take(const Pass& pass, std::uint64_t row, std::int32_t to, float own, float best,
                        float rest) {
  pass.to[row] = to;
  if (to < 0) {
    own_[row] = own;
    other_[row] = std::max(best, rest);
    return;
  }
  pass.moves->fetch_add(1, std::memory_order_relaxed);
  own_[row] = best;
  // Whether a Hartigan move is made is decided later: then both may have changed.
  other_[row] = rule_ == KMeansRule::kHartigan ? HUGE_VALF : std::max(own, rest);
}

void KMeansAssign::DecideInDouble(const Pass& pass, Slot& slot, const std::uint64_t* rows, int n) {
  const Panels& panels = all_.panels();
  float* plain = slot.plain.get();
  float* scores = plain + static_cast<std::size_t>(n) * panels.dim;
  // In this order: a shifted row's last value, its norm, is overwritten by the next row where it has no
  // place.
  for (int r = 0; r < n; ++r) rows_.Shifted(rows[r], plain + static_cast<std::size_t>(r) * panels.dim);
  rows_.level().product(&panels, plain, n, scores);
  for (int r = 0; r < n; ++r)
    DecideRowInDouble(pass, rows[r], scores + static_cast<std::size_t>(r) * panels.padded, plain);
}

void KMeansAssign::DecideRowInDouble(const Pass& pass, std::uint64_t row, const float* products,
                                     float* scratch) {
  const std::int32_t label = pass.labels[row];
  const bool hartigan = rule_ == KMeansRule::kHartigan;
  const auto score_of = [&](std::uint32_t k) { return products[k] - all_.half_norms()[k]; };
  const auto cost_of = [&](std::uint32_t k) {
    const double distance2 = rows_.Distance2(row, pass.centers + std::size_t{k} * rows_.dim(), scratch);
    return hartigan ? (static_cast<std::int32_t>(k) == label ? leave_[k] : join_[k]) * distance2 : distance2;
  };
  const auto is_own = [&](std::uint32_t k) { return static_cast<std::int32_t>(k) == label; };
  float best = -HUGE_VALF;
  for (std::uint32_t k = 0; k < clusters_; ++k) {
    if (!(hartigan && is_own(k))) best = std::max(best, score_of(k));
  }
  const float close = error_.Of(row);
  std::int32_t to = -1;
  double smallest = hartigan ? cost_of(static_cast<std::uint32_t>(label)) : HUGE_VAL;
  for (std::uint32_t k = 0; k < clusters_; ++k) {
    if (hartigan && is_own(k)) continue;
    if (best - score_of(k) > close) continue;  // NaN, from overflow, is compared in double
    const double cost = cost_of(k);
    if (cost >= smallest) continue;
    smallest = cost;
    to = static_cast<std::int32_t>(k);
  }
  float own = label < 0 ? -HUGE_VALF : score_of(static_cast<std::uint32_t>(label));
  if (hartigan) {
    own *= static_cast<float>(leave_[label] / join_[label]);
    return Take(pass, row, to, own, best, best);
  }
  const std::int32_t nearest = to;
  float rest = -HUGE_VALF;
  for (std::uint32_t k = 0; k < clusters_; ++k) {
    if (static_cast<std::int32_t>(k) != nearest) rest = std::max(rest, score_of(k));
  }
  const float own_score = score_of(static_cast<std::uint32_t>(nearest));
  if (nearest == label) return Take(pass, row, -1, own_score, rest, rest);
  Take(pass, row, nearest, rest, own_score, rest);
}

}  // namespace alfamix
