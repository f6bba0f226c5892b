#include "kernels/pseudo_label_gradient.h"

#include <utility>

#include "addon/args.h"
#include "addon/cuda_plugin.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct PseudoLabelGradientWork final : Work {
  PseudoLabelGradientParams params;
  PseudoLabelGradientOutput output;
  napi_ref gradient, pseudo_label;

  Status Run(const JobOptions& options) override {
    return RunKernel(PseudoLabelGradient, &CudaPlugin::pseudo_label_gradient, params, output, options);
  }
  std::uint64_t units() const override { return params.rows; }
  napi_value Result(napi_env env) override {
    return NewResult(env, {{"gradient", gradient}, {"pseudoLabel", pseudo_label}});
  }
};

napi_value StartPseudoLabelGradient(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<PseudoLabelGradientWork>();
  PseudoLabelGradientParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 0, kMaxSafeInteger);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.classes = static_cast<std::uint32_t>(args.Integer("classes", 2, kMaxDim));
  params.unit = args.Boolean("unit");
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.Get("data");
  const napi_value weight = args.Get("weight");
  const napi_value bias = args.Get("bias");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  params.data = pins.Floats(data, "data", params.rows, params.dim);
  params.weight = pins.Floats(weight, "weight", params.classes, params.dim);
  params.bias = pins.Floats(bias, "bias", params.classes);
  work->output.gradient = pins.NewFloats(work->gradient, params.rows, params.dim);
  work->output.pseudo_label = pins.NewInts(work->pseudo_label, params.rows);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value PseudoLabelGradientMethod(const Napi::CallbackInfo& info) {
  return Guard(info, StartPseudoLabelGradient);
}

}  // namespace alfamix::addon
