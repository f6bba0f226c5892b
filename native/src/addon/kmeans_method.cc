#include "kernels/kmeans.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "addon/args.h"
#include "addon/cuda_plugin.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct KMeansWork final : Work {
  KMeansParams params;
  KMeansOutput output;
  std::vector<std::int32_t> index;
  napi_ref labels, centers;

  Status Run(const JobOptions& options) override {
    return RunKernel(KMeans, &CudaPlugin::kmeans, params, output, options);
  }
  std::uint64_t units() const override { return params.rows; }
  napi_value Result(napi_env env) override {
    napi_value inertia, iterations, converged;
    if (napi_create_double(env, output.inertia, &inertia) != napi_ok ||
        napi_create_uint32(env, output.iterations, &iterations) != napi_ok ||
        napi_get_boolean(env, output.converged, &converged) != napi_ok) {
      return nullptr;
    }
    return NewResult(env, {{"labels", labels},
                           {"centers", centers},
                           {"inertia", nullptr, inertia},
                           {"iterations", nullptr, iterations},
                           {"converged", nullptr, converged}});
  }
};

napi_value StartKMeans(napi_env env, napi_value argument) {
  constexpr std::uint64_t kMost = 0xffffffff;
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<KMeansWork>();
  KMeansParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 1, kMaxSafeInteger);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.clusters = static_cast<std::uint32_t>(args.Integer("clusters", 1, std::min(params.rows, kMaxDim)));
  params.seed = args.Integer("seed", 0, kMaxSafeInteger);
  params.n_init = static_cast<std::uint32_t>(args.Integer("nInit", 1, kMost));
  params.max_iterations = static_cast<std::uint32_t>(args.Integer("maxIterations", 1, kMost));
  const napi_value on_progress = args.GetOptional("onProgress");
  const bool hartigan = args.GetOptional("hartigan") != nullptr && args.Boolean("hartigan");
  params.algorithm = hartigan ? KMeansAlgorithm::kHartigan : KMeansAlgorithm::kLloyd;
  const Selected selected = args.Selection();
  const napi_value initial_centers = args.GetOptional("initialCenters");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  pins.Selection(selected, params, work->index);
  if (initial_centers != nullptr) {
    params.initial_centers = pins.Floats(initial_centers, "initialCenters", params.clusters, params.dim);
  }
  work->output.labels = pins.NewInts(work->labels, params.rows);
  work->output.centers = pins.NewFloats(work->centers, params.clusters, params.dim);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value KMeansMethod(const Napi::CallbackInfo& info) { return Guard(info, StartKMeans); }

}  // namespace alfamix::addon
