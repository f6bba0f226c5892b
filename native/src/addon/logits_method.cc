#include "kernels/logits.h"

#include <utility>

#include "addon/args.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct LogitsWork final : Work {
  LogitsParams params;
  float* output = nullptr;
  Segments segments;
  napi_ref logits;

  Status Run(const JobOptions& options) override { return Logits(params, output, options); }
  std::uint64_t units() const override { return params.pool.rows; }
  napi_value Result(napi_env env) override { return ValueOf(env, logits); }
};

napi_value StartLogits(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<LogitsWork>();
  LogitsParams& params = work->params;
  const JobOptions options = args.Options();
  const std::uint64_t rows = params.pool.rows = args.Integer("rows", 1, kMaxSafeInteger);
  const std::uint64_t dim = params.pool.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.classes = static_cast<std::uint32_t>(args.Integer("classes", 2, kMaxDim));
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.GetOptional("data");
  const napi_value segments = args.GetOptional("segments");
  params.pool.dtype = args.Type("dtype");
  const napi_value weight = args.Get("weight");
  const napi_value bias = args.Get("bias");
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
  work->output = pins.NewFloats(work->logits, rows, params.classes);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value LogitsMethod(const Napi::CallbackInfo& info) { return Guard(info, StartLogits); }

}  // namespace alfamix::addon
