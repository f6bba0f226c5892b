// What pool threads and the JavaScript thread of one environment share: who runs, what is ready to be told,
// and the wake-up call. It outlives the environment, since pool threads hold it.
//
// Node deletes a thread-safe function when its environment ends, whoever still holds it. So it is called
// under this mutex only, and never after Close(), which the environment's cleanup hook makes while the
// function still exists.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

namespace alfamix::addon {

class Job;

class Channel {
 public:
  // JavaScript thread.
  void Open(napi_threadsafe_function wake) { wake_ = wake; }
  // Takes back a job that no pool thread has begun; false when one has.
  bool Withdraw(Job& job);
  // The next job with something to tell, or null. `finished`: it has stopped and touches no memory any more.
  std::shared_ptr<Job> NextEvent(bool& finished);
  // After it no job begins, none runs, and the wake-up call isn't made.
  void Close();

  // Pool threads. Begin is false for a job that was withdrawn, or after Close().
  bool Begin(Job& job);
  void TellProgress(Job& job, std::uint64_t done, std::uint64_t total);
  void Finish(Job& job);

 private:
  void Tell(Job& job);

  std::mutex mutex_;
  std::condition_variable idle_;
  napi_threadsafe_function wake_ = nullptr;
  Job* first_event_ = nullptr;  // a list through Job::next_event_: nothing to allocate, so nothing to fail
  Job* last_event_ = nullptr;
  int running_ = 0;
  bool closed_ = false;
};

}  // namespace alfamix::addon
