// Progress and abort of one kernel call, seen from many threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "kernels/job.h"

namespace alfamix {

class Progress {
 public:
  Progress(const JobOptions& options, std::uint64_t total) : options_(options), total_(total) {}

  // Adds work done and asks the hook whether to go on. Once it said no, always false.
  bool Add(std::uint64_t work) {
    const std::uint64_t done = done_.fetch_add(work, std::memory_order_relaxed) + work;
    if (options_.progress != nullptr && !aborted() && mutex_.try_lock()) {
      if (!options_.progress(options_.progress_context, done < total_ ? done : total_, total_))
        aborted_ = true;
      mutex_.unlock();
    }
    return !aborted();
  }

  bool aborted() const { return aborted_.load(std::memory_order_relaxed); }

 private:
  const JobOptions& options_;
  const std::uint64_t total_;
  std::atomic<std::uint64_t> done_{0};
  std::atomic<bool> aborted_{false};
  std::mutex mutex_;
};

}  // namespace alfamix
