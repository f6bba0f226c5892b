#include "kernels/closed_form_alpha.h"

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

struct ClosedFormAlphaWork final : Work {
  ClosedFormAlphaParams params;
  float* alpha = nullptr;
  napi_ref result;

  Status Run(const JobOptions& options) override {
    // A copy, because the kernel uses it as indices after checking it, and a caller may write meanwhile.
    const std::vector<std::int32_t> index(params.anchor_index, params.anchor_index + params.rows);
    ClosedFormAlphaParams own = params;
    own.anchor_index = index.data();
    return RunKernel(ClosedFormAlpha, &CudaPlugin::closed_form_alpha, own, alpha, options);
  }
  std::uint64_t units() const override { return params.rows; }
  napi_value Result(napi_env env) override { return ValueOf(env, result); }
};

napi_value StartClosedFormAlpha(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<ClosedFormAlphaWork>();
  ClosedFormAlphaParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 0, kMaxSafeInteger);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.anchor_count = static_cast<std::uint32_t>(args.Integer("anchorCount", 0, kMaxDim));
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.Get("data");
  const napi_value anchors = args.Get("anchors");
  const napi_value anchor_index = args.Get("anchorIndex");
  const napi_value gradient = args.Get("gradient");
  const napi_value caps = args.GetOptional("alphaCaps");
  if (caps == nullptr) params.cap = args.NonNegative("alphaCap");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  params.data = pins.Floats(data, "data", params.rows, params.dim);
  params.anchors = pins.Floats(anchors, "anchors", params.anchor_count, params.dim);
  params.anchor_index = pins.Ints(anchor_index, "anchorIndex", params.rows);
  params.gradient = pins.Floats(gradient, "gradient", params.rows, params.dim);
  if (caps != nullptr) params.caps = pins.Floats(caps, "alphaCaps", params.rows);
  work->alpha = pins.NewFloats(work->result, params.rows, params.dim);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value ClosedFormAlphaMethod(const Napi::CallbackInfo& info) {
  return Guard(info, StartClosedFormAlpha);
}

}  // namespace alfamix::addon
