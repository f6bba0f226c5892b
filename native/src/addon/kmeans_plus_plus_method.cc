#include "kernels/kmeans_plus_plus.h"

#include <utility>

#include "addon/args.h"
#include "addon/cuda_plugin.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct KMeansPlusPlusWork final : Work {
  KMeansPlusPlusParams params;
  PickedRows output;
  napi_ref rows, distance2;

  Status Run(const JobOptions& options) override {
    return RunKernel(KMeansPlusPlus, &CudaPlugin::kmeans_plus_plus, params, output, options);
  }
  std::uint64_t units() const override { return params.clusters; }
  napi_value Result(napi_env env) override {
    return NewResult(env, {{"rows", rows}, {"distance2", distance2}});
  }
};

napi_value StartKMeansPlusPlus(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<KMeansPlusPlusWork>();
  KMeansPlusPlusParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 1, kMaxDim);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.factor_dim = static_cast<std::uint32_t>(args.Integer("factorDim", 0, kMaxDim));
  params.clusters = static_cast<std::uint32_t>(args.Integer("clusters", 1, params.rows));
  params.seed = args.Integer("seed", 0, kMaxSafeInteger);
  params.first_largest_norm = args.Boolean("firstLargestNorm");
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.Get("data");
  const napi_value factors = args.GetOptional("factors");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  params.data = pins.Floats(data, "data", params.rows, params.dim);
  if (factors != nullptr) params.factors = pins.Floats(factors, "factors", params.rows, params.factor_dim);
  work->output.rows = pins.NewInts(work->rows, params.clusters);
  work->output.distance2 = pins.NewDoubles(work->distance2, params.clusters);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value KMeansPlusPlusMethod(const Napi::CallbackInfo& info) { return Guard(info, StartKMeansPlusPlus); }

}  // namespace alfamix::addon
