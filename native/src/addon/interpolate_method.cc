#include "kernels/interpolate.h"

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

struct InterpolateWork final : Work {
  InterpolateParams params;
  InterpolateOutput output;
  napi_ref mixed, logits;

  Status Run(const JobOptions& options) override {
    // A copy, because the kernel uses it as indices after checking it, and a caller may write meanwhile.
    const std::vector<std::int32_t> index(params.anchor_index, params.anchor_index + params.rows);
    InterpolateParams own = params;
    own.anchor_index = index.data();
    return RunKernel(Interpolate, &CudaPlugin::interpolate, own, output, options);
  }
  std::uint64_t units() const override { return params.rows; }
  napi_value Result(napi_env env) override { return NewResult(env, {{"mixed", mixed}, {"logits", logits}}); }
};

napi_value StartInterpolate(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<InterpolateWork>();
  InterpolateParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 0, kMaxSafeInteger);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.anchor_count = static_cast<std::uint32_t>(args.Integer("anchorCount", 0, kMaxDim));
  params.classes = static_cast<std::uint32_t>(args.Integer("classes", 0, kMaxDim));
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.Get("data");
  const napi_value anchors = args.Get("anchors");
  const napi_value anchor_index = args.Get("anchorIndex");
  const napi_value alpha = args.Get("alpha");
  const napi_value weight = args.Get("weight");
  const napi_value bias = args.Get("bias");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  params.data = pins.Floats(data, "data", params.rows, params.dim);
  params.anchors = pins.Floats(anchors, "anchors", params.anchor_count, params.dim);
  params.anchor_index = pins.Ints(anchor_index, "anchorIndex", params.rows);
  params.alpha = pins.Floats(alpha, "alpha", params.rows, params.dim);
  params.weight = pins.Floats(weight, "weight", params.classes, params.dim);
  params.bias = pins.Floats(bias, "bias", params.classes);
  work->output.mixed = pins.NewFloats(work->mixed, params.rows, params.dim);
  work->output.logits = pins.NewFloats(work->logits, params.rows, params.classes);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value InterpolateMethod(const Napi::CallbackInfo& info) { return Guard(info, StartInterpolate); }

}  // namespace alfamix::addon
