#include "kernels/k_center_greedy.h"

#include <utility>

#include "addon/args.h"
#include "addon/cuda_plugin.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct KCenterGreedyWork final : Work {
  KCenterGreedyParams params;
  PickedRows output;
  napi_ref rows, distance2;

  Status Run(const JobOptions& options) override {
    return RunKernel(KCenterGreedy, &CudaPlugin::k_center_greedy, params, output, options);
  }
  std::uint64_t units() const override { return params.budget; }
  napi_value Result(napi_env env) override {
    return NewResult(env, {{"rows", rows}, {"distance2", distance2}});
  }
};

napi_value StartKCenterGreedy(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<KCenterGreedyWork>();
  KCenterGreedyParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 1, kMaxDim);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.center_count = static_cast<std::uint32_t>(args.Integer("centerCount", 0, kMaxDim));
  params.budget = static_cast<std::uint32_t>(args.Integer("budget", 1, params.rows));
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.Get("data");
  const napi_value centers = args.Get("centers");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  params.data = pins.Floats(data, "data", params.rows, params.dim);
  params.centers = pins.Floats(centers, "centers", params.center_count, params.dim);
  work->output.rows = pins.NewInts(work->rows, params.budget);
  work->output.distance2 = pins.NewDoubles(work->distance2, params.budget);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value KCenterGreedyMethod(const Napi::CallbackInfo& info) { return Guard(info, StartKCenterGreedy); }

}  // namespace alfamix::addon
