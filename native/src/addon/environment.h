// One per Node environment (main thread or worker): its live jobs, the wake-up call, and the end of it all.
#pragma once

#include <napi.h>

#include <memory>
#include <unordered_map>

#include "addon/channel.h"

namespace alfamix::addon {

class Job;

class Environment {
 public:
  // Called once by the module's registration. Throws JsException.
  static void Create(napi_env env);
  // Throws JsException when the environment is gone.
  static Environment& Of(napi_env env);

  napi_env env() const { return env_; }
  const std::shared_ptr<Channel>& channel() const { return channel_; }

  // Constructors and a getter as they were when the addon was loaded: later patches to globals don't matter.
  napi_ref float32_array() const { return float32_array_; }
  napi_ref float64_array() const { return float64_array_; }
  napi_ref int32_array() const { return int32_array_; }
  // `get resizable` of ArrayBuffer.prototype; null where Node has none.
  napi_ref resizable_getter() const { return resizable_getter_; }

  // A live job keeps the event loop, so that a program ends after its promises.
  void Add(const std::shared_ptr<Job>& job);
  void Remove(Job& job);

 private:
  explicit Environment(napi_env env) : env_(env), channel_(std::make_shared<Channel>()) {}
  void ReadIntrinsics();
  void CreateWake();
  void Drain();
  void End();

  napi_env env_;
  std::shared_ptr<Channel> channel_;
  napi_threadsafe_function wake_ = nullptr;
  napi_ref float32_array_ = nullptr;
  napi_ref float64_array_ = nullptr;
  napi_ref int32_array_ = nullptr;
  napi_ref resizable_getter_ = nullptr;
  std::unordered_map<Job*, std::shared_ptr<Job>> live_;
};

}  // namespace alfamix::addon
