// The addon's whole surface: packages/native/src/binding.ts types exactly this.
#include <napi.h>

#include "addon/environment.h"
#include "addon/errors.h"
#include "addon/methods.h"
#include "addon/pin_library.h"
#include "cpu/levels.h"
#include "cpu/thread_pool.h"

namespace alfamix::addon {
namespace {

Napi::Value LevelsMethod(const Napi::CallbackInfo& info) {
  return Guard(info, [](napi_env env, napi_value) {
    napi_value levels = nullptr, name = nullptr;
    Check(env, napi_create_array(env, &levels));
    for (int i = 0; i < LevelCount(); ++i) {
      Check(env, napi_create_string_utf8(env, LevelAt(i).name, NAPI_AUTO_LENGTH, &name));
      Check(env, napi_set_element(env, levels, static_cast<std::uint32_t>(i), name));
    }
    return levels;
  });
}

Napi::Value DefaultThreadsMethod(const Napi::CallbackInfo& info) {
  return Guard(info, [](napi_env env, napi_value) {
    napi_value threads = nullptr;
    Check(env, napi_create_int32(env, DefaultThreads(), &threads));
    return threads;
  });
}

Napi::Object Register(Napi::Env env, Napi::Object exports) {
  try {
    PinLibrary();
    Environment::Create(env);
    exports.Set("version", ALFAMIX_VERSION);
    exports.Set("levels", Napi::Function::New<LevelsMethod>(env, "levels"));
    exports.Set("defaultThreads", Napi::Function::New<DefaultThreadsMethod>(env, "defaultThreads"));
    exports.Set("flipSearch", Napi::Function::New<FlipSearchMethod>(env, "flipSearch"));
    exports.Set("scoreUncertainty", Napi::Function::New<ScoreUncertaintyMethod>(env, "scoreUncertainty"));
    exports.Set("logits", Napi::Function::New<LogitsMethod>(env, "logits"));
    exports.Set("interpolate", Napi::Function::New<InterpolateMethod>(env, "interpolate"));
    exports.Set("pseudoLabelGradient",
                Napi::Function::New<PseudoLabelGradientMethod>(env, "pseudoLabelGradient"));
    exports.Set("closedFormAlpha", Napi::Function::New<ClosedFormAlphaMethod>(env, "closedFormAlpha"));
    exports.Set("kCenterGreedy", Napi::Function::New<KCenterGreedyMethod>(env, "kCenterGreedy"));
    exports.Set("kmeansPlusPlus", Napi::Function::New<KMeansPlusPlusMethod>(env, "kmeansPlusPlus"));
    exports.Set("kmeans", Napi::Function::New<KMeansMethod>(env, "kmeans"));
    exports.Set("nearestMembers", Napi::Function::New<NearestMembersMethod>(env, "nearestMembers"));
    exports.Set("blas", Napi::Function::New<BlasMethod>(env, "blas"));
    exports.Set("cuda", Napi::Function::New<CudaMethod>(env, "cuda"));
    exports.Set("measureProduct", Napi::Function::New<MeasureProductMethod>(env, "measureProduct"));
    exports.Set("measureMachine", Napi::Function::New<MeasureMachineMethod>(env, "measureMachine"));
    exports.Set("normalizeRows", Napi::Function::New<NormalizeRowsMethod>(env, "normalizeRows"));
    exports.Set("fitSoftmax", Napi::Function::New<FitSoftmaxMethod>(env, "fitSoftmax"));
  } catch (const JsException&) {
    // Pending, or the environment is ending.
  }
  return exports;
}

NODE_API_MODULE(alfamix, Register)

}  // namespace
}  // namespace alfamix::addon
