// The methods that addon.cc registers, one file each. All look alike: read every field (getters may run),
// check and pin the arrays, allocate the results, start the job.
#pragma once

#include <napi.h>

#include <cstddef>
#include <initializer_list>

namespace alfamix::addon {

Napi::Value BlasMethod(const Napi::CallbackInfo& info);
Napi::Value ClosedFormAlphaMethod(const Napi::CallbackInfo& info);
Napi::Value CudaMethod(const Napi::CallbackInfo& info);
Napi::Value FitSoftmaxMethod(const Napi::CallbackInfo& info);
Napi::Value FlipSearchMethod(const Napi::CallbackInfo& info);
Napi::Value InterpolateMethod(const Napi::CallbackInfo& info);
Napi::Value KCenterGreedyMethod(const Napi::CallbackInfo& info);
Napi::Value KMeansMethod(const Napi::CallbackInfo& info);
Napi::Value KMeansPlusPlusMethod(const Napi::CallbackInfo& info);
Napi::Value LogitsMethod(const Napi::CallbackInfo& info);
Napi::Value MeasureMachineMethod(const Napi::CallbackInfo& info);
Napi::Value MeasureProductMethod(const Napi::CallbackInfo& info);
Napi::Value NearestMembersMethod(const Napi::CallbackInfo& info);
Napi::Value NormalizeRowsMethod(const Napi::CallbackInfo& info);
Napi::Value PseudoLabelGradientMethod(const Napi::CallbackInfo& info);
Napi::Value ScoreUncertaintyMethod(const Napi::CallbackInfo& info);

// A field of a result: the array that `handle` keeps, or `value`.
struct ResultField {
  const char* name;
  napi_ref handle = nullptr;
  napi_value value = nullptr;
};

// A plain object of these fields; null on failure.
napi_value NewResult(napi_env env, std::initializer_list<ResultField> fields);

// What a reference holds; null on failure.
napi_value ValueOf(napi_env env, napi_ref handle);

}  // namespace alfamix::addon
