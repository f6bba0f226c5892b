// How far a k-means is, as nobody can know beforehand how many passes it takes: the seeds are about half of a
// try, and each pass takes its share of what is left.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>

#include "cpu/progress.h"

namespace alfamix {

class KMeansProgress {
 public:
  KMeansProgress(const JobOptions& options, std::uint32_t tries)
      : progress_(options, std::uint64_t{tries} * kTry) {}

  void BeginTry() {
    progress_.Add(base_ - reported_);
    reported_ = base_;
    base_ += kTry;
  }

  // The next `units` of Add make up `share` of what is left of the try.
  void BeginPart(double share, std::uint64_t units) {
    part_ = static_cast<std::uint64_t>(share * static_cast<double>(base_ - reported_));
    reported_ += part_;
    units_ = units > 0 ? units : 1;
    done_.store(0, std::memory_order_relaxed);
  }

  // A pass over all rows that takes `cost` of a full one.
  void BeginPass(double cost, std::uint64_t rows) { BeginPart(1 - std::exp(-0.25 * cost), rows); }

  // From any thread; false once aborted.
  bool Add(std::uint64_t units) {
    const std::uint64_t before = done_.fetch_add(units, std::memory_order_relaxed);
    return progress_.Add(Part(before + units) - Part(before));
  }

  // Asks only.
  bool GoOn() { return progress_.Add(0); }
  bool aborted() const { return progress_.aborted(); }

 private:
  static constexpr std::uint64_t kTry = 1 << 20;

  std::uint64_t Part(std::uint64_t done) const {
    const double share = static_cast<double>(done) / static_cast<double>(units_);
    return share < 1 ? static_cast<std::uint64_t>(share * static_cast<double>(part_)) : part_;
  }

  Progress progress_;
  std::uint64_t base_ = 0;      // where the try ends
  std::uint64_t reported_ = 0;  // with the part under way
  std::uint64_t part_ = 0;
  std::uint64_t units_ = 1;
  std::atomic<std::uint64_t> done_{0};
};

}  // namespace alfamix
