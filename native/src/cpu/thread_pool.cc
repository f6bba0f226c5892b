#include "cpu/thread_pool.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif

namespace alfamix {

namespace {

// One ParallelFor under way. Guarded by State::mutex, but for `body`.
struct Region {
  const std::function<bool(std::uint64_t, int)>* body = nullptr;
  std::uint64_t blocks = 0;
  std::uint64_t next = 0;
  int helpers = 0;               // helper threads inside a block now
  std::vector<int> free_slots;   // slots helpers may take; 0 is the caller's
  std::condition_variable idle;  // signalled when helpers falls to 0

  bool HasWork() const { return next < blocks && !free_slots.empty(); }
};

// Signals belong to the host's main thread.
void BlockSignals() {
#if !defined(_WIN32)
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
#endif
}

}  // namespace

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable job_waiting;
  std::condition_variable block_waiting;
  std::deque<std::function<void()>> jobs;
  std::vector<Region*> regions;
  int coordinators = 0;
  int idle_coordinators = 0;
  int helper_threads = 0;

  Region* LeastServed() {
    Region* best = nullptr;
    for (Region* region : regions) {
      if (region->HasWork() && (best == nullptr || region->helpers < best->helpers)) best = region;
    }
    return best;
  }

  [[noreturn]] void Coordinate() {
    BlockSignals();
    std::unique_lock lock(mutex);
    for (;;) {
      ++idle_coordinators;
      job_waiting.wait(lock, [this] { return !jobs.empty(); });
      --idle_coordinators;
      std::function<void()> job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // what it captured goes before the lock is taken again
      lock.lock();
    }
  }

  [[noreturn]] void Help() {
    BlockSignals();
    std::unique_lock lock(mutex);
    for (;;) {
      Region* region = LeastServed();
      if (region == nullptr) {
        block_waiting.wait(lock);
        continue;
      }
      const std::uint64_t block = region->next++;
      const int slot = region->free_slots.back();
      region->free_slots.pop_back();
      ++region->helpers;
      lock.unlock();
      const bool go_on = (*region->body)(block, slot);
      lock.lock();
      if (!go_on) region->next = region->blocks;
      region->free_slots.push_back(slot);
      if (--region->helpers == 0) region->idle.notify_one();
    }
  }
};

ThreadPool::ThreadPool() : state_(new State) {}

ThreadPool& ThreadPool::Instance() {
  static ThreadPool* const pool = new ThreadPool;
  return *pool;
}

bool ThreadPool::Submit(std::function<void()> job) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.jobs.size() >= static_cast<std::size_t>(kMaxQueued)) return false;
  const bool crowded = static_cast<std::size_t>(state.idle_coordinators) <= state.jobs.size();
  if (crowded && state.coordinators < kMaxRunning) {
    try {
      std::thread([&state] { state.Coordinate(); }).detach();
      ++state.coordinators;
    } catch (const std::system_error&) {
      if (state.coordinators == 0) return false;
    }
  }
  state.jobs.push_back(std::move(job));
  state.job_waiting.notify_one();
  return true;
}

void ThreadPool::ParallelFor(std::uint64_t blocks, int threads,
                             const std::function<bool(std::uint64_t, int)>& body) {
  threads = static_cast<int>(std::min<std::uint64_t>(std::clamp(threads, 1, kMaxThreads), blocks));
  if (threads <= 1) {
    for (std::uint64_t block = 0; block < blocks && body(block, 0); ++block) {
    }
    return;
  }
  State& state = *state_;
  Region region;
  region.body = &body;
  region.blocks = blocks;
  for (int slot = threads - 1; slot >= 1; --slot) region.free_slots.push_back(slot);

  std::unique_lock lock(state.mutex);
  try {
    for (; state.helper_threads < threads - 1; ++state.helper_threads) {
      std::thread([&state] { state.Help(); }).detach();
    }
  } catch (const std::system_error&) {
    // Fewer helpers than asked for: the caller does their share.
  }
  state.regions.push_back(&region);
  for (int i = 1; i < threads; ++i) state.block_waiting.notify_one();
  while (region.next < region.blocks) {
    const std::uint64_t block = region.next++;
    lock.unlock();
    const bool go_on = body(block, 0);
    lock.lock();
    if (!go_on) region.next = region.blocks;
  }
  region.idle.wait(lock, [&region] { return region.helpers == 0; });
  std::erase(state.regions, &region);
}

}  // namespace alfamix
