#include "cpu/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "check.h"

namespace alfamix {
namespace {

using std::chrono::milliseconds;

// Counts down; Wait gives up after a minute, so that a deadlock is a failure and not a hang.
class Latch {
 public:
  explicit Latch(int count) : count_(count) {}
  void Done() {
    const std::lock_guard lock(mutex_);
    if (--count_ == 0) zero_.notify_all();
  }
  bool Wait() {
    std::unique_lock lock(mutex_);
    return zero_.wait_for(lock, std::chrono::minutes(1), [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable zero_;
  int count_;
};

void Spin(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(EveryBlockOnce) {
  for (const int threads : {1, 2, 5, 300}) {
    for (const std::uint64_t blocks : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> seen(blocks);
      ThreadPool::Instance().ParallelFor(blocks, threads, [&](std::uint64_t block, int slot) {
        CHECK(block < blocks);
        CHECK(slot >= 0 && slot < threads && slot < ThreadPool::kMaxThreads);
        ++seen[block];
        return true;
      });
      for (const auto& count : seen) CHECK(count == 1);
    }
  }
}

TEST(SlotsAreNeverShared) {
  constexpr int kThreads = 6;
  std::atomic<int> users[kThreads] = {};
  ThreadPool::Instance().ParallelFor(3000, kThreads, [&](std::uint64_t block, int slot) {
    CHECK(users[slot].fetch_add(1) == 0);
    Spin(std::chrono::microseconds(block % 7 * 5));
    CHECK(users[slot].fetch_sub(1) == 1);
    return true;
  });
}

TEST(UsesSeveralThreads) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  ThreadPool::Instance().ParallelFor(40, 4, [&](std::uint64_t, int) {
    std::this_thread::sleep_for(milliseconds(5));
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
    return true;
  });
  CHECK(ids.size() >= 2);
  CHECK(ids.size() <= 4);
}

TEST(StopsHandingOut) {
  for (const int threads : {1, 4}) {
    std::atomic<std::uint64_t> ran{0};
    std::atomic<int> inside{0};
    ThreadPool::Instance().ParallelFor(1u << 20, threads, [&](std::uint64_t block, int) {
      ++inside;
      ++ran;
      const bool go_on = block != 10;
      --inside;
      return go_on;
    });
    CHECK(inside == 0);
    CHECK(ran >= 11);
    CHECK(ran < (1u << 20));
  }
}

TEST(NestedRegions) {
  std::atomic<int> inner{0};
  ThreadPool::Instance().ParallelFor(8, 4, [&](std::uint64_t, int) {
    ThreadPool::Instance().ParallelFor(8, 4, [&](std::uint64_t, int) {
      ThreadPool::Instance().ParallelFor(3, 2, [&](std::uint64_t, int) { return ++inner, true; });
      return true;
    });
    return true;
  });
  CHECK(inner == 8 * 8 * 3);
}

TEST(ManySmallJobs) {
  constexpr int kJobs = 3000;
  Latch latch(kJobs);
  std::atomic<int> refused{0}, blocks{0};
  for (int i = 0; i < kJobs; ++i) {
    const bool taken = ThreadPool::Instance().Submit([&] {
      ThreadPool::Instance().ParallelFor(3, 2, [&](std::uint64_t, int) { return ++blocks, true; });
      latch.Done();
    });
    if (!taken) {
      ++refused;
      latch.Done();
    }
  }
  CHECK(latch.Wait());
  CHECK(refused == 0);
  CHECK(blocks == 3 * kJobs);
}

TEST(SubmitFromSeveralThreads) {
  constexpr int kThreads = 6, kJobs = 200;
  Latch latch(kThreads * kJobs);
  std::atomic<int> ran{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kJobs; ++i) {
        const bool taken = ThreadPool::Instance().Submit([&] {
          ++ran;
          latch.Done();
        });
        CHECK(taken);
        if (!taken) latch.Done();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(latch.Wait());
  CHECK(ran == kThreads * kJobs);
}

TEST(FullQueueRefuses) {
  const auto gate = std::make_shared<Latch>(1);
  constexpr int kMost = ThreadPool::kMaxRunning + ThreadPool::kMaxQueued;
  int taken = 0;
  while (taken <= kMost && ThreadPool::Instance().Submit([gate] { gate->Wait(); })) ++taken;
  CHECK(taken >= ThreadPool::kMaxQueued);
  CHECK(taken <= kMost);
  gate->Done();
  // The queue empties, and takes jobs again.
  bool again = false;
  const auto done = std::make_shared<Latch>(1);
  for (int i = 0; i < 1000 && !again; ++i) {
    again = ThreadPool::Instance().Submit([done] { done->Done(); });
    if (!again) std::this_thread::sleep_for(milliseconds(1));
  }
  CHECK(again && done->Wait());
}

// Two equal jobs at once get about equal shares: a long one doesn't keep a later one waiting till its end.
TEST(SharesTheThreads) {
  Latch latch(2);
  std::atomic<std::uint64_t> done[2] = {};
  std::atomic<std::uint64_t> other_when_finished[2] = {};
  constexpr std::uint64_t kBlocks = 400;
  for (int job = 0; job < 2; ++job) {
    CHECK(ThreadPool::Instance().Submit([&, job] {
      ThreadPool::Instance().ParallelFor(kBlocks, 2, [&, job](std::uint64_t, int) {
        Spin(std::chrono::microseconds(300));
        ++done[job];
        return true;
      });
      other_when_finished[job] = done[1 - job].load();
      latch.Done();
    }));
  }
  CHECK(latch.Wait());
  const std::uint64_t behind = std::min(other_when_finished[0].load(), other_when_finished[1].load());
  CHECK(behind >= kBlocks / 5);
}

TEST(DefaultThreadsIsSane) {
  CHECK(DefaultThreads() >= 1);
  CHECK(DefaultThreads() <= ThreadPool::kMaxThreads);
}

}  // namespace
}  // namespace alfamix
