#include "kernels/fit_softmax.h"

#include <utility>

#include "addon/args.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

struct FitSoftmaxWork final : Work {
  FitSoftmaxParams params;
  FitSoftmaxOutput output;
  napi_ref solution, right, loss;

  Status Run(const JobOptions& options) override { return FitSoftmax(params, &output, options); }
  std::uint64_t units() const override { return std::uint64_t{params.fold_count} * params.ridge_count + 1; }
  napi_value Result(napi_env env) override {
    napi_value ridge = nullptr, objective = nullptr, iterations = nullptr;
    if (napi_create_uint32(env, output.ridge, &ridge) != napi_ok ||
        napi_create_double(env, output.objective, &objective) != napi_ok ||
        napi_create_uint32(env, output.iterations, &iterations) != napi_ok)
      return nullptr;
    return NewResult(env, {{"solution", solution},
                           {"ridge", nullptr, ridge},
                           {"objective", nullptr, objective},
                           {"iterations", nullptr, iterations},
                           {"right", right},
                           {"loss", loss}});
  }
};

napi_value StartFitSoftmax(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<FitSoftmaxWork>();
  FitSoftmaxParams& params = work->params;
  const JobOptions options = args.Options();
  params.rows = args.Integer("rows", 2, kMaxDim);
  params.dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMaxDim));
  params.classes = static_cast<std::uint32_t>(args.Integer("classes", 2, params.rows));
  params.ridge_count = static_cast<std::uint32_t>(args.Integer("ridgeCount", 1, kMaxDim));
  params.fold_count = static_cast<std::uint32_t>(args.Integer("foldCount", 0, params.rows));
  const napi_value on_progress = args.GetOptional("onProgress");
  const napi_value data = args.Get("data");
  const napi_value labels = args.Get("labels");
  const napi_value ridges = args.Get("ridges");
  const napi_value folds = args.GetOptional("folds");
  // From here on no JavaScript of the caller runs.
  Pins pins(environment);
  params.data =
      static_cast<const double*>(pins.Values(data, DType::kFloat64, "data", params.rows, params.dim));
  params.labels = pins.Ints(labels, "labels", params.rows);
  params.ridges =
      static_cast<const double*>(pins.Values(ridges, DType::kFloat64, "ridges", params.ridge_count));
  if (folds != nullptr) params.folds = pins.Ints(folds, "folds", params.rows);
  const std::uint64_t unknowns = CountValues("the solution", std::uint64_t{params.dim} + 1, params.classes);
  work->output.solution = pins.NewDoubles(work->solution, unknowns);
  work->output.right = pins.NewInts(work->right, params.ridge_count);
  work->output.loss = pins.NewDoubles(work->loss, params.ridge_count);
  return Job::Start(environment, std::move(work), std::move(pins), options, on_progress);
}

}  // namespace

Napi::Value FitSoftmaxMethod(const Napi::CallbackInfo& info) { return Guard(info, StartFitSoftmax); }

}  // namespace alfamix::addon
