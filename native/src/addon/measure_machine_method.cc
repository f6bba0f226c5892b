#include <utility>

#include "addon/args.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"
#include "kernels/machine_rates.h"

namespace alfamix::addon {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 34;

struct MeasureMachineWork final : Work {
  MachineRatesParams params;
  MachineRates rates;

  Status Run(const JobOptions& options) override { return MeasureMachine(params, rates, options); }
  std::uint64_t units() const override { return 1; }
  napi_value Result(napi_env env) override {
    napi_value read, multiply;
    if (napi_create_double(env, rates.read_bytes, &read) != napi_ok ||
        napi_create_double(env, rates.multiply_flops, &multiply) != napi_ok) {
      return nullptr;
    }
    return NewResult(env, {{"readBytes", nullptr, read}, {"multiplyFlops", nullptr, multiply}});
  }
};

napi_value StartMeasureMachine(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<MeasureMachineWork>();
  const JobOptions options = args.Options();
  work->params.bytes = args.Integer("bytes", 1, kMostBytes);
  work->params.seconds = args.NonNegative("seconds");
  return Job::Start(environment, std::move(work), Pins(environment), options, nullptr);
}

}  // namespace

Napi::Value MeasureMachineMethod(const Napi::CallbackInfo& info) { return Guard(info, StartMeasureMachine); }

}  // namespace alfamix::addon
