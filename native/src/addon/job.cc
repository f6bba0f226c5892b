#include "addon/job.h"

#include <new>
#include <utility>

#include "addon/environment.h"
#include "addon/errors.h"
#include "cpu/thread_pool.h"

namespace alfamix::addon {
namespace {

constexpr std::chrono::milliseconds kTellEvery{50};

// A weak_ptr: `cancel` may be kept and called long after the job is gone.
using Handle = std::weak_ptr<Job>;

napi_value CancelCallback(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  if (const std::shared_ptr<Job> job = static_cast<Handle*>(data)->lock()) job->Cancel();
  return nullptr;
}

napi_value NewCancelFunction(napi_env env, const std::shared_ptr<Job>& job) {
  auto handle = std::make_unique<Handle>(job);
  napi_value cancel = nullptr;
  Check(env, napi_create_function(env, "cancel", NAPI_AUTO_LENGTH, CancelCallback, handle.get(), &cancel));
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Handle*>(data); };
  Check(env, napi_add_finalizer(env, cancel, handle.get(), finalize, nullptr, nullptr));
  handle.release();
  return cancel;
}

}  // namespace

Job::Job(Environment& environment, std::unique_ptr<Work> work, Pins pins, const JobOptions& options)
    : environment_(&environment),
      channel_(environment.channel()),
      work_(std::move(work)),
      pins_(std::move(pins)),
      options_(options),
      last_tell_(std::chrono::steady_clock::now()) {
  options_.progress = [](void* job, std::uint64_t done, std::uint64_t total) {
    return static_cast<Job*>(job)->OnHook(done, total);
  };
  options_.progress_context = this;
}

napi_value Job::Start(Environment& environment, std::unique_ptr<Work> work, Pins pins,
                      const JobOptions& options, napi_value on_progress) {
  const napi_env env = environment.env();
  const auto job = std::make_shared<Job>(environment, std::move(work), std::move(pins), options);
  if (on_progress != nullptr) {
    napi_valuetype type = napi_undefined;
    Check(env, napi_typeof(env, on_progress, &type));
    if (type != napi_function) {
      throw CallError{
          Status::Error(Code::kInvalidArgument, "expected a function for onProgress, got something else")};
    }
    job->on_progress_ = job->pins_.Keep(on_progress);
  }
  napi_property_descriptor fields[2] = {};
  napi_value handle = nullptr;
  fields[0].utf8name = "promise";
  fields[1].utf8name = "cancel";
  fields[0].attributes = fields[1].attributes = napi_default_jsproperty;
  fields[1].value = NewCancelFunction(env, job);
  Check(env, napi_create_object(env, &handle));
  environment.Add(job);
  bool submitted = false;
  try {
    Check(env, napi_create_promise(env, &job->deferred_, &fields[0].value));
    Check(env, napi_define_properties(env, handle, 2, fields));
    submitted = ThreadPool::Instance().Submit([job] { job->RunOnPool(); });
    if (!submitted) {
      throw CallError{Status::Error(Code::kQueueFull,
                                    "expected at most %d native calls waiting at once, got one more",
                                    ThreadPool::kMaxQueued)};
    }
  } catch (...) {
    // Only resolving frees a deferred; nobody has its promise.
    if (job->deferred_ != nullptr) napi_resolve_deferred(env, std::exchange(job->deferred_, nullptr), handle);
    job->Abandon();
    environment.Remove(*job);
    throw;
  }
  return handle;
}

void Job::RunOnPool() noexcept {
  if (!channel_->Begin(*this)) return;
  try {
    status_ = work_->Run(options_);
  } catch (const std::bad_alloc&) {
    status_ = Status::Error(Code::kOutOfMemory, "expected enough memory for the kernel's buffers, got none");
  } catch (...) {
    status_ = Status::Error(Code::kInternal, "the native kernel failed for an unknown reason");
  }
  channel_->Finish(*this);
}

bool Job::OnHook(std::uint64_t done, std::uint64_t total) {
  if (stop_.load(std::memory_order_relaxed)) return false;
  if (done < seen_.done) return true;
  seen_ = {done, total};
  if (on_progress_ == nullptr) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_tell_ < kTellEvery) return true;
  last_tell_ = now;
  channel_->TellProgress(*this, done, total);
  return true;
}

void Job::Cancel() {
  RequestStop();
  if (channel_->Withdraw(*this)) Settle();
}

void Job::OnEvent(bool finished) {
  if (!finished) {
    Report(told_);
    return;
  }
  if (status_.ok() && !stop_.load(std::memory_order_relaxed)) {
    const Progress last = seen_.total > 0 ? seen_ : Progress{0, work_->units()};
    Report({last.total, last.total});
  }
  Settle();
}

void Job::Report(Progress progress) {
  const bool again = progress.done == reported_.done && progress.total == reported_.total;
  if (on_progress_ == nullptr || thrown_ != nullptr || stop_.load(std::memory_order_relaxed) || again) return;
  reported_ = progress;
  const napi_env env = environment_->env();
  napi_value callback, self, arguments[2], result;
  if (napi_get_reference_value(env, on_progress_, &callback) != napi_ok ||
      napi_get_undefined(env, &self) != napi_ok ||
      napi_create_double(env, static_cast<double>(progress.done), &arguments[0]) != napi_ok ||
      napi_create_double(env, static_cast<double>(progress.total), &arguments[1]) != napi_ok) {
    return;
  }
  if (napi_call_function(env, self, callback, 2, arguments, &result) == napi_ok) return;
  // It threw: stop, and reject with that once nothing runs any more. Or the environment is ending: stop as
  // well.
  RequestStop();
  const napi_value exception = TakeException(env);
  napi_value box = nullptr;
  if (exception != nullptr && napi_create_array_with_length(env, 1, &box) == napi_ok &&
      napi_set_element(env, box, 0, exception) == napi_ok) {
    try {
      thrown_ = pins_.Keep(box);
    } catch (...) {
      TakeException(env);
    }
  }
}

void Job::Settle() {
  const std::shared_ptr<Job> self = shared_from_this();
  const napi_env env = environment_->env();
  napi_value value = nullptr, box = nullptr;
  bool rejected = true;
  if (thrown_ != nullptr) {
    if (napi_get_reference_value(env, thrown_, &box) == napi_ok) napi_get_element(env, box, 0, &value);
  } else if (stop_.load(std::memory_order_relaxed)) {
    value = NewError(env, Status::Error(Code::kAborted, "the operation was aborted"));
  } else if (status_.ok()) {
    value = work_->Result(env);
    rejected = value == nullptr;
    if (rejected) TakeException(env);
  } else {
    value = NewError(env, status_);
  }
  if (value == nullptr) {
    value = NewError(
        env, Status::Error(Code::kInternal, "expected to hand over the result, got a JavaScript failure"));
  }
  const napi_deferred deferred = std::exchange(deferred_, nullptr);
  Abandon();
  environment_->Remove(*this);
  if (value == nullptr || deferred == nullptr) return;
  (rejected ? napi_reject_deferred : napi_resolve_deferred)(env, deferred, value);
  TakeException(env);
}

void Job::Abandon() {
  pins_.Release();
  on_progress_ = thrown_ = nullptr;
}

}  // namespace alfamix::addon
