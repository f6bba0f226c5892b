// Each row to its center, as double precision would have it, looking at centers that moved only.
//
// Kept a row: the score of its own center, and a bound on every other center's. A pass multiplies the rows
// with the moved centers and takes the best two of those, m1 and m2. Where own > max(m1, bound) the row
// stays; where m1 beats own, bound and m2 it goes there; otherwise (some rows in a hundred) all centers are
// looked at. While most centers moved, all are. A score is the same bits in whatever pass it is computed, so
// nothing drifts. Where two scores are closer than float32 rounds, the close centers are compared again in
// double.
//
// Hartigan's rule instead of the nearest center: see cpu/kmeans_hartigan.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "cpu/buffer.h"
#include "cpu/kmeans_columns.h"
#include "cpu/kmeans_progress.h"
#include "cpu/kmeans_rows.h"

namespace alfamix {

enum class KMeansRule { kNearest, kHartigan };

class KMeansAssign {
 public:
  KMeansAssign(const KMeansRows& rows, std::uint32_t clusters, KMeansRule rule);

  // Forgets all that is kept of the rows.
  void Reset();
  // These centers (increasing) moved; `counts`: rows of each cluster, for Hartigan's rule.
  void Move(const float* centers, const std::vector<std::uint32_t>& moved, const std::uint64_t* counts);
  // The row's label was changed from outside.
  void Forget(std::uint64_t row) { other_[row] = HUGE_VALF; }

  // For each row `to` becomes where it goes, or -1: it stays. Labels of -1 always go. The number that go is
  // in `moves`. False when aborted.
  bool Run(const float* centers, const std::int32_t* labels, std::int32_t* to, std::uint64_t* moves,
           KMeansProgress& progress);

 private:
  struct Slot {
    Buffer<float> packed;
    std::vector<std::uint64_t> look;   // rows to compare with all centers
    std::vector<std::uint64_t> close;  // rows to decide in double
    Buffer<float> plain;               // kBlockRows rows, then their scores
  };
  struct Pass;

  bool RunPass(const Pass& pass, KMeansProgress& progress);
  void Decide(const Pass& pass, Slot& slot, std::uint64_t row, std::int32_t best, float best_score,
              float second, float own);
  void DecideInDouble(const Pass& pass, Slot& slot, const std::uint64_t* rows, int n);
  void DecideRowInDouble(const Pass& pass, std::uint64_t row, const float* scores, float* scratch);
  void Take(const Pass& pass, std::uint64_t row, std::int32_t to, float own, float best, float rest);

  const KMeansRows& rows_;
  const std::uint32_t clusters_;
  const KMeansRule rule_;
  ScoreError error_;
  KMeansColumns all_;
  KMeansColumns some_;
  std::vector<std::uint32_t> moved_;
  std::vector<std::int32_t> column_;  // of each cluster among those of the pass, or -1
  std::vector<double> half_norms_;    // K
  std::vector<double> join_, leave_;  // K, Hartigan's n / (n + 1) and n / (n - 1); infinite: can't be left
  Buffer<float> own_;                 // M
  Buffer<float> other_;               // M; +inf: unknown
  std::vector<Slot> slots_;
};

}  // namespace alfamix
