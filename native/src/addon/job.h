// One call under way: its promise, its pinned arrays, its cancel flag, its progress.
//
// Life: made by Job::Start on the JavaScript thread, kept alive by the environment's list and by the pool's
// closure, settled (promise, references, list) on the JavaScript thread. A pool thread may drop the last
// reference: by then nothing of JavaScript is left in it.
#pragma once

#include <napi.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "addon/channel.h"
#include "addon/pins.h"
#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix::addon {

class Environment;

// What a method gives a job to do: plain structs, filled on the JavaScript thread.
class Work {
 public:
  virtual ~Work() = default;
  // On a pool thread; touches no JavaScript.
  virtual Status Run(const JobOptions& options) = 0;
  // On the JavaScript thread after a Run that was ok: the promise's value, or null when that failed.
  virtual napi_value Result(napi_env env) = 0;
  // The work done, in the kernel's unit, if it was too quick to tell.
  virtual std::uint64_t units() const = 0;
};

class Job : public std::enable_shared_from_this<Job> {
 public:
  // Submits the work and returns {promise, cancel}. `on_progress` may be null. Throws CallError
  // INVALID_ARGUMENT (on_progress isn't a function), QUEUE_FULL or OUT_OF_MEMORY.
  static napi_value Start(Environment& environment, std::unique_ptr<Work> work, Pins pins,
                          const JobOptions& options, napi_value on_progress);

  Job(Environment& environment, std::unique_ptr<Work> work, Pins pins, const JobOptions& options);

  // JavaScript thread. Cancel settles a job that hasn't begun at once; one that runs stops at its next hook.
  void Cancel();
  void OnEvent(bool finished);
  // The environment ends: lets go of what is JavaScript's, once nothing runs any more.
  void Abandon();
  void RequestStop() { stop_.store(true, std::memory_order_relaxed); }

 private:
  friend class Channel;
  enum class Phase { kQueued, kWithdrawn, kRunning, kFinished };
  struct Progress {
    std::uint64_t done = 0;
    std::uint64_t total = 0;
  };

  void RunOnPool() noexcept;
  bool OnHook(std::uint64_t done, std::uint64_t total);
  void Report(Progress progress);
  void Settle();

  Environment* environment_;  // JavaScript thread only
  const std::shared_ptr<Channel> channel_;
  std::unique_ptr<Work> work_;
  Pins pins_;
  JobOptions options_;
  napi_deferred deferred_ = nullptr;
  napi_ref on_progress_ = nullptr;
  napi_ref thrown_ = nullptr;  // an array around what on_progress threw: a reference can't hold a primitive
  Progress reported_;

  std::atomic<bool> stop_{false};
  Status status_;  // the pool thread's until Channel::Finish
  Progress seen_;
  std::chrono::steady_clock::time_point last_tell_;

  // Under the channel's mutex.
  Phase phase_ = Phase::kQueued;
  Progress latest_;
  Job* next_event_ = nullptr;
  bool has_event_ = false;
  Progress told_;  // latest_ as of the last event; JavaScript thread only
};

}  // namespace alfamix::addon
