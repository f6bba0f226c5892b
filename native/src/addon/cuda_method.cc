// Opens the CUDA plug-in, says what it finds on this machine, and tests it: on a pool thread, because a
// driver may take seconds to start. What doesn't work is an answer with a reason, no error.
#include <string>
#include <utility>

#include "addon/args.h"
#include "addon/cuda_plugin.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

napi_value Text(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  Check(env, napi_create_string_utf8(env, text.data(), text.size(), &value));
  return value;
}

napi_value Number(napi_env env, double number) {
  napi_value value = nullptr;
  Check(env, napi_create_double(env, number, &value));
  return value;
}

// 13000 is 13.0; null for none.
napi_value CudaVersion(napi_env env, int version) {
  if (version > 0)
    return Text(env, std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10));
  napi_value none = nullptr;
  Check(env, napi_get_null(env, &none));
  return none;
}

napi_value Device(napi_env env, const CudaDevice& device) {
  const std::string capability = std::to_string(device.major) + "." + std::to_string(device.minor);
  return NewResult(env, {{"name", nullptr, Text(env, device.name)},
                         {"computeCapability", nullptr, Text(env, capability)},
                         {"multiprocessors", nullptr, Number(env, device.multiprocessors)},
                         {"memoryBytes", nullptr, Number(env, static_cast<double>(device.memory_bytes))},
                         {"freeBytes", nullptr, Number(env, static_cast<double>(device.free_bytes))}});
}

struct CudaWork final : Work {
  std::string path;
  bool self_test = false;
  CudaDescription description;
  bool opened = false;
  std::string reason;

  Status Run(const JobOptions&) override {
    const OpenedCuda found = OpenCuda(path.c_str());
    reason = found.reason;
    if (found.plugin == nullptr) return Status::Ok();
    opened = true;
    found.plugin->describe(&description);
    reason = description.reason;
    Status status;
    if (self_test && reason.empty()) found.plugin->self_test(&status);
    if (!status.ok()) reason = status.text;
    // One that can't run stays in use: its calls say why in their own words.
    UseCuda(found.plugin);
    return Status::Ok();
  }
  std::uint64_t units() const override { return 1; }
  napi_value Result(napi_env env) override {
    try {
      return Describe(env);
    } catch (const JsException&) {
      return nullptr;
    }
  }

 private:
  napi_value Describe(napi_env env) const {
    napi_value devices = nullptr;
    Check(env, napi_create_array(env, &devices));
    for (int i = 0; i < description.device_count && i < kMostCudaDevices; ++i) {
      Check(env, napi_set_element(env, devices, static_cast<std::uint32_t>(i),
                                  Device(env, description.devices[i])));
    }
    napi_value is_open = nullptr;
    Check(env, napi_get_boolean(env, opened, &is_open));
    return NewResult(env, {{"path", nullptr, Text(env, path)},
                           {"opened", nullptr, is_open},
                           {"driver", nullptr, CudaVersion(env, description.driver)},
                           {"runtime", nullptr, CudaVersion(env, description.runtime)},
                           {"devices", nullptr, devices},
                           {"device", nullptr, Number(env, description.device)},
                           {"cublas", nullptr, Text(env, description.cublas)},
                           {"reason", nullptr, Text(env, reason)}});
  }
};

napi_value StartCuda(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<CudaWork>();
  work->path = args.Text("path");
  work->self_test = args.Boolean("selfTest");
  return Job::Start(environment, std::move(work), Pins(environment), JobOptions(), nullptr);
}

}  // namespace

Napi::Value CudaMethod(const Napi::CallbackInfo& info) { return Guard(info, StartCuda); }

}  // namespace alfamix::addon
