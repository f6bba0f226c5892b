#include "addon/errors.h"

namespace alfamix::addon {

void Check(napi_env, napi_status status) {
  if (status != napi_ok) throw JsException{};
}

const char* CodeName(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "INVALID_ARGUMENT";
    case Code::kShapeMismatch:
      return "SHAPE_MISMATCH";
    case Code::kNonFinite:
      return "NON_FINITE";
    case Code::kIo:
      return "IO";
    case Code::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case Code::kAborted:
      return "ABORTED";
    case Code::kQueueFull:
      return "QUEUE_FULL";
    case Code::kCudaUnavailable:
      return "CUDA_UNAVAILABLE";
    case Code::kOk:
    case Code::kInternal:
      break;
  }
  return "INTERNAL";
}

napi_value NewError(napi_env env, const Status& status) {
  napi_value code, message, error;
  if (napi_create_string_utf8(env, CodeName(status.code), NAPI_AUTO_LENGTH, &code) != napi_ok ||
      napi_create_string_utf8(env, status.text, NAPI_AUTO_LENGTH, &message) != napi_ok ||
      napi_create_error(env, code, message, &error) != napi_ok) {
    TakeException(env);
    return nullptr;
  }
  napi_value row;
  if (status.row >= 0 && napi_create_int64(env, status.row, &row) == napi_ok) {
    const napi_property_descriptor field = {
        "row", nullptr, nullptr, nullptr, nullptr, row, napi_default_jsproperty, nullptr};
    if (napi_define_properties(env, error, 1, &field) != napi_ok) TakeException(env);
  }
  return error;
}

napi_value TakeException(napi_env env) {
  bool pending = false;
  napi_value exception = nullptr;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return nullptr;
  if (napi_get_and_clear_last_exception(env, &exception) != napi_ok) return nullptr;
  return exception;
}

}  // namespace alfamix::addon
