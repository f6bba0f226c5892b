#include "kernels/nearest_members.h"

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

struct NearestMembersWork final : Work {
  NearestMembersParams params;
  std::vector<std::int32_t> index;
  std::int32_t* members = nullptr;
  napi_ref result;

  Status Run(const JobOptions& options) override {
    // A copy, because the kernel uses labels as indices after checking them, and a caller may write
    // meanwhile.
    const std::vector<std::int32_t> labels(params.labels, params.labels + params.rows);
    NearestMembersParams own = params;
    own.labels = labels.data();
    return RunKernel(NearestMembers, &CudaPlugin::nearest_members, own, members, options);
  }
  std::uint64_t units() const override { return params.rows; }
  napi_value Result(napi_env env) override { return ValueOf(env, result); }
};

napi_value StartNearestMembers(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<NearestMembersWork>();
  NearestMembersParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 0, kMaxSafeInteger);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.clusters = static_cast<std::uint32_t>(args.Integer("clusters", 1, kMaxDim));
  params.tolerance = args.NonNegative("tolerance");
  const napi_value on_progress = args.GetOptional("onProgress");
  const Selected selected = args.Selection();
  const napi_value centers = args.Get("centers");
  const napi_value labels = args.Get("labels");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  pins.Selection(selected, params, work->index);
  params.centers = pins.Floats(centers, "centers", params.clusters, params.dim);
  params.labels = pins.Ints(labels, "labels", params.rows);
  work->members = pins.NewInts(work->result, params.clusters);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value NearestMembersMethod(const Napi::CallbackInfo& info) { return Guard(info, StartNearestMembers); }

}  // namespace alfamix::addon
