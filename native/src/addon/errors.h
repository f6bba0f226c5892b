// How the addon fails: C++ exceptions of its own inside, JavaScript errors with a `code` outside.
//
// Raw Node-API on purpose, here and in args, pins, job and environment: node-addon-api ends the process where
// it can't build its Error object (a getter cut short by a vm timeout, a worker being terminated). Here a
// failing call means that JavaScript has an exception pending or the environment is ending, and the answer to
// both is to return.
#pragma once

#include <napi.h>

#include <utility>

#include "kernels/status.h"

namespace alfamix::addon {

// Becomes a JavaScript error at the boundary.
struct CallError {
  Status status;
};

// A JavaScript exception is pending already, or none can be thrown any more: unwind and return.
struct JsException {};

// Throws JsException unless `status` is ok.
void Check(napi_env env, napi_status status);

// The public name, 'INVALID_ARGUMENT' and so on.
const char* CodeName(Code code);

// An Error with `code`, and `row` where the status names one; null when the environment is ending.
napi_value NewError(napi_env env, const Status& status);

// Drops the pending exception and returns it; null when there is none.
napi_value TakeException(napi_env env);

// Runs a method's body; nothing but a napi_value or a pending JavaScript exception leaves it.
template <typename Body>
Napi::Value Guard(const Napi::CallbackInfo& info, Body&& body) noexcept {
  const napi_env env = info.Env();
  Status status;
  try {
    return Napi::Value(env, std::forward<Body>(body)(env, info[0]));
  } catch (const JsException&) {
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return Napi::Value();
    status = Status::Error(Code::kInternal, "a call into Node-API failed");
  } catch (const CallError& error) {
    status = error.status;
  } catch (const std::bad_alloc&) {
    status = Status::Error(Code::kOutOfMemory, "expected enough memory for the call's bookkeeping, got none");
  } catch (...) {
    status = Status::Error(Code::kInternal, "the native call failed for an unknown reason");
  }
  const napi_value error = NewError(env, status);
  if (error != nullptr) napi_throw(env, error);
  return Napi::Value();
}

}  // namespace alfamix::addon
