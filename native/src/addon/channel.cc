#include "addon/channel.h"

#include "addon/job.h"

namespace alfamix::addon {

bool Channel::Withdraw(Job& job) {
  const std::lock_guard lock(mutex_);
  if (job.phase_ != Job::Phase::kQueued) return false;
  job.phase_ = Job::Phase::kWithdrawn;
  return true;
}

std::shared_ptr<Job> Channel::NextEvent(bool& finished) {
  const std::lock_guard lock(mutex_);
  Job* job = first_event_;
  if (job == nullptr) return nullptr;
  first_event_ = job->next_event_;
  if (first_event_ == nullptr) last_event_ = nullptr;
  job->next_event_ = nullptr;
  job->has_event_ = false;
  finished = job->phase_ == Job::Phase::kFinished;
  job->told_ = job->latest_;
  return job->shared_from_this();
}

void Channel::Close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  idle_.wait(lock, [this] { return running_ == 0; });
  wake_ = nullptr;
  first_event_ = last_event_ = nullptr;
}

bool Channel::Begin(Job& job) {
  const std::lock_guard lock(mutex_);
  if (closed_ || job.phase_ != Job::Phase::kQueued) return false;
  job.phase_ = Job::Phase::kRunning;
  ++running_;
  return true;
}

void Channel::TellProgress(Job& job, std::uint64_t done, std::uint64_t total) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  job.latest_ = {done, total};
  Tell(job);
}

void Channel::Finish(Job& job) {
  const std::lock_guard lock(mutex_);
  job.phase_ = Job::Phase::kFinished;
  if (!closed_) Tell(job);
  // Notified under the lock: after it the JavaScript thread may let go of everything.
  if (--running_ == 0) idle_.notify_all();
}

void Channel::Tell(Job& job) {
  if (job.has_event_) return;
  const bool idle = first_event_ == nullptr;
  (idle ? first_event_ : last_event_->next_event_) = &job;
  last_event_ = &job;
  job.has_event_ = true;
  // One call empties the whole list. Failing means that the environment is ending: its hook comes for the
  // jobs.
  if (idle) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

}  // namespace alfamix::addon
