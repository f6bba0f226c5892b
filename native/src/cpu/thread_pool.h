// The addon's own threads: jobs run here, never on libuv's pool.
//
// One pool a process, leaked on purpose: a worker thread may be inside a kernel when static destructors run.
// A job runs on a coordinator thread; the parallel regions it opens are served by helper threads, which take
// one block at a time and go where the fewest helpers are, so concurrent jobs share the cores fairly.
#pragma once

#include <cstdint>
#include <functional>

namespace alfamix {

// Cores this process may use: affinity mask and cgroup quota (v1 and v2) included; at least 1.
int DefaultThreads();

class ThreadPool {
 public:
  static ThreadPool& Instance();

  // Runs `job` on a coordinator thread, in order of submission. False when kMaxQueued jobs already wait.
  bool Submit(std::function<void()> job);

  // Calls body(block, slot) for each block of 0 ... blocks - 1, handed out in increasing order, on up to
  // `threads` threads, the caller included; returns when all that were handed out are done. `slot` (0 ...
  // threads - 1) names scratch that no other running call holds. A body that returns false stops the handing
  // out.
  void ParallelFor(std::uint64_t blocks, int threads,
                   const std::function<bool(std::uint64_t block, int slot)>& body);

  static constexpr int kMaxThreads = 256;
  static constexpr int kMaxRunning = 32;
  static constexpr int kMaxQueued = 4096;

 private:
  ThreadPool();
  struct State;
  State* state_;
};

}  // namespace alfamix
