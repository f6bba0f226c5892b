// What BLAS this process has, and how fast it is beside our own product.
#include "cpu/blas.h"

#include <utility>

#include "addon/args.h"
#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/job.h"
#include "addon/methods.h"

namespace alfamix::addon {
namespace {

constexpr std::uint64_t kMostRows = 1 << 16;

napi_value Text(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  Check(env, napi_create_string_utf8(env, text.data(), text.size(), &value));
  return value;
}

napi_value DescribeBlas(napi_env env, napi_value) {
  const Blas* blas = Blas::Find();
  if (blas == nullptr) return NewResult(env, {{"reason", nullptr, Text(env, Blas::WhyNone())}});
  return NewResult(env, {{"name", nullptr, Text(env, blas->name())},
                         {"path", nullptr, Text(env, blas->path())},
                         {"version", nullptr, Text(env, blas->version())}});
}

struct MeasureProductWork final : Work {
  int rows = 0;
  std::uint32_t dim = 0, columns = 0;
  ProductRates rates;
  bool used = false;

  Status Run(const JobOptions& options) override {
    try {
      rates = MeasureProduct(options.level, rows, dim, columns);
    } catch (const std::bad_alloc&) {
      return Status::Error(Code::kOutOfMemory, "not enough memory to measure the product");
    }
    used = FasterBlas(options.level, dim, columns) != nullptr;
    return Status::Ok();
  }
  std::uint64_t units() const override { return 1; }
  napi_value Result(napi_env env) override {
    napi_value own, blas, used_by_logits;
    if (napi_create_double(env, rates.own, &own) != napi_ok ||
        napi_create_double(env, rates.blas, &blas) != napi_ok ||
        napi_get_boolean(env, used, &used_by_logits) != napi_ok) {
      return nullptr;
    }
    return NewResult(env,
                     {{"own", nullptr, own}, {"blas", nullptr, blas}, {"used", nullptr, used_by_logits}});
  }
};

napi_value StartMeasureProduct(napi_env env, napi_value argument) {
  const Args args(env, argument);
  Environment& environment = Environment::Of(env);
  auto work = std::make_unique<MeasureProductWork>();
  const JobOptions options = args.Options();
  work->rows = static_cast<int>(args.Integer("rows", 1, kMostRows));
  work->dim = static_cast<std::uint32_t>(args.Integer("dim", 1, kMostRows));
  work->columns = static_cast<std::uint32_t>(args.Integer("columns", 1, kMostRows));
  return Job::Start(environment, std::move(work), Pins(environment), options, nullptr);
}

}  // namespace

Napi::Value BlasMethod(const Napi::CallbackInfo& info) { return Guard(info, DescribeBlas); }

Napi::Value MeasureProductMethod(const Napi::CallbackInfo& info) { return Guard(info, StartMeasureProduct); }

}  // namespace alfamix::addon
