#include "addon/environment.h"

#include <utility>

#include "addon/errors.h"
#include "addon/job.h"

namespace alfamix::addon {
namespace {

napi_value Property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  Check(env, napi_get_named_property(env, object, name, &value));
  return value;
}

napi_ref Constructor(napi_env env, napi_value global, const char* name) {
  napi_ref reference = nullptr;
  Check(env, napi_create_reference(env, Property(env, global, name), 1, &reference));
  return reference;
}

}  // namespace

void Environment::Create(napi_env env) {
  std::unique_ptr<Environment> environment(new Environment(env));
  environment->ReadIntrinsics();
  environment->CreateWake();
  // Cleanup hooks run last in, first out: this one before the hook that closes the wake-up call made above,
  // and that before Node-API's own, which runs the finalizer of the instance data.
  const auto end = [](void* data) { static_cast<Environment*>(data)->End(); };
  Check(env, napi_add_env_cleanup_hook(env, end, environment.get()));
  const auto finalize = [](napi_env, void* data, void*) { delete static_cast<Environment*>(data); };
  if (napi_set_instance_data(env, environment.get(), finalize, nullptr) != napi_ok) {
    napi_remove_env_cleanup_hook(env, end, environment.get());
    throw JsException{};
  }
  environment.release();
}

Environment& Environment::Of(napi_env env) {
  void* data = nullptr;
  Check(env, napi_get_instance_data(env, &data));
  if (data == nullptr) throw JsException{};
  return *static_cast<Environment*>(data);
}

void Environment::ReadIntrinsics() {
  napi_value global = nullptr;
  Check(env_, napi_get_global(env_, &global));
  float32_array_ = Constructor(env_, global, "Float32Array");
  float64_array_ = Constructor(env_, global, "Float64Array");
  int32_array_ = Constructor(env_, global, "Int32Array");
  const napi_value prototype = Property(env_, Property(env_, global, "ArrayBuffer"), "prototype");
  napi_value describe = Property(env_, Property(env_, global, "Object"), "getOwnPropertyDescriptor");
  napi_value arguments[2] = {prototype, nullptr}, descriptor = nullptr;
  Check(env_, napi_create_string_utf8(env_, "resizable", NAPI_AUTO_LENGTH, &arguments[1]));
  Check(env_, napi_call_function(env_, global, describe, 2, arguments, &descriptor));
  napi_valuetype type = napi_undefined;
  Check(env_, napi_typeof(env_, descriptor, &type));
  if (type != napi_object) return;
  Check(env_, napi_create_reference(env_, Property(env_, descriptor, "get"), 1, &resizable_getter_));
}

void Environment::CreateWake() {
  const auto drain = [](napi_env env, napi_value, void* environment, void*) {
    // Without an environment it is being emptied out: the cleanup hook has dealt with the jobs.
    if (env != nullptr) static_cast<Environment*>(environment)->Drain();
  };
  napi_value name = nullptr;
  Check(env_, napi_create_string_utf8(env_, "alfamix", NAPI_AUTO_LENGTH, &name));
  Check(env_, napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this,
                                              drain, &wake_));
  Check(env_, napi_unref_threadsafe_function(env_, wake_));
  channel_->Open(wake_);
}

void Environment::Add(const std::shared_ptr<Job>& job) {
  live_.emplace(job.get(), job);
  if (live_.size() == 1) napi_ref_threadsafe_function(env_, wake_);
}

void Environment::Remove(Job& job) {
  if (live_.erase(&job) != 0 && live_.empty() && wake_ != nullptr)
    napi_unref_threadsafe_function(env_, wake_);
}

void Environment::Drain() {
  bool finished = false;
  // One at a time: a progress callback may cancel or start other jobs, or even turn the event loop.
  while (const std::shared_ptr<Job> job = channel_->NextEvent(finished)) {
    napi_handle_scope scope = nullptr;
    if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
    job->OnEvent(finished);
    TakeException(env_);
    napi_close_handle_scope(env_, scope);
  }
}

void Environment::End() {
  for (const auto& [job, owner] : live_) job->RequestStop();
  // Kernels look at the flag every few milliseconds. After Close none reads or writes an array any more.
  channel_->Close();
  napi_handle_scope scope = nullptr;
  const bool scoped = napi_open_handle_scope(env_, &scope) == napi_ok;
  for (const auto& [job, owner] : live_) job->Abandon();
  live_.clear();
  if (scoped) napi_close_handle_scope(env_, scope);
  napi_release_threadsafe_function(std::exchange(wake_, nullptr), napi_tsfn_abort);
}

}  // namespace alfamix::addon
