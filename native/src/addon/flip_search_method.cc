#include "kernels/flip_search.h"

#include <utility>

#include "addon/args.h"
#include "addon/cuda_plugin.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct FlipSearchWork final : Work {
  FlipSearchParams params;
  FlipSearchOutput output;
  Segments segments;
  napi_ref pseudo_label, confidence, margin, entropy, flip_cap, flip_anchor, flip_to;

  Status Run(const JobOptions& options) override {
    return RunKernel(FlipSearch, &CudaPlugin::flip_search, params, output, options);
  }
  std::uint64_t units() const override { return params.pool.rows; }
  napi_value Result(napi_env env) override {
    return NewResult(env, {{"pseudoLabel", pseudo_label},
                           {"confidence", confidence},
                           {"margin", margin},
                           {"entropy", entropy},
                           {"flipCap", flip_cap},
                           {"flipAnchor", flip_anchor},
                           {"flipTo", flip_to}});
  }
};

napi_value StartFlipSearch(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<FlipSearchWork>();
  FlipSearchParams& params = work->params;
  const JobOptions options = args.Options();
  const std::uint64_t rows = params.pool.rows = args.Integer("rows", 1, kMaxSafeInteger);
  const std::uint64_t dim = params.pool.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.classes = static_cast<std::uint32_t>(args.Integer("classes", 2, kMaxDim));
  params.anchor_count = static_cast<std::uint32_t>(args.Integer("anchorCount", 0, kMaxDim));
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.GetOptional("data");
  const napi_value segments = args.GetOptional("segments");
  params.pool.dtype = args.Type("dtype");
  const napi_value weight = args.Get("weight");
  const napi_value bias = args.Get("bias");
  const napi_value anchors = args.Get("anchors");
  if ((data == nullptr) == (segments == nullptr)) {
    throw CallError{Status::Error(Code::kInvalidArgument, "expected exactly one of data and segments")};
  }
  if (segments != nullptr) {
    CountValues("segments", rows, dim);
    work->segments = Segments::Read(env, segments, rows);
    params.pool.segments = work->segments.list.data();
    params.pool.segment_count = work->segments.list.size();
  }
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  if (data != nullptr) params.pool.data = pins.Values(data, params.pool.dtype, "data", rows, dim);
  params.weight = pins.Floats(weight, "weight", params.classes, dim);
  params.bias = pins.Floats(bias, "bias", params.classes);
  params.anchors = pins.Floats(anchors, "anchors", params.anchor_count, dim);
  FlipSearchOutput& output = work->output;
  output.pseudo_label = pins.NewInts(work->pseudo_label, rows);
  output.confidence = pins.NewFloats(work->confidence, rows);
  output.margin = pins.NewFloats(work->margin, rows);
  output.entropy = pins.NewFloats(work->entropy, rows);
  output.flip_cap = pins.NewFloats(work->flip_cap, rows);
  output.flip_anchor = pins.NewInts(work->flip_anchor, rows);
  output.flip_to = pins.NewInts(work->flip_to, rows);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value FlipSearchMethod(const Napi::CallbackInfo& info) { return Guard(info, StartFlipSearch); }

}  // namespace alfamix::addon
