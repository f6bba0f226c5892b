#include "kernels/normalize_rows.h"

#include <utility>

#include "addon/args.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct NormalizeRowsWork final : Work {
  NormalizeRowsParams params;
  float* out = nullptr;
  napi_ref result;

  Status Run(const JobOptions& options) override { return NormalizeRows(params, out, options); }
  std::uint64_t units() const override { return params.rows; }
  napi_value Result(napi_env env) override { return ValueOf(env, result); }
};

napi_value StartNormalizeRows(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<NormalizeRowsWork>();
  NormalizeRowsParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 0, kMaxSafeInteger);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.Get("data");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  params.data = pins.Floats(data, "data", params.rows, params.dim);
  work->out = pins.NewFloats(work->result, params.rows, params.dim);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value NormalizeRowsMethod(const Napi::CallbackInfo& info) { return Guard(info, StartNormalizeRows); }

}  // namespace alfamix::addon
