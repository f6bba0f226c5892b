#include "addon/pins.h"

#include <cinttypes>

#include "addon/environment.h"
#include "addon/errors.h"

namespace alfamix::addon {
namespace {

// Stands for the data of an empty array, whose own address may be null.
float empty_values[1] = {0};

bool IsResizable(napi_env env, napi_value buffer, napi_ref resizable_getter) {
  bool plain = false;
  // A SharedArrayBuffer only ever grows, in place: always safe to read.
  if (napi_is_arraybuffer(env, buffer, &plain) != napi_ok || !plain || resizable_getter == nullptr)
    return false;
  napi_value getter, answer;
  bool resizable = false;
  Check(env, napi_get_reference_value(env, resizable_getter, &getter));
  Check(env, napi_call_function(env, buffer, getter, 0, nullptr, &answer));
  Check(env, napi_get_value_bool(env, answer, &resizable));
  return resizable;
}

}  // namespace

std::uint64_t CountValues(const char* name, std::uint64_t rows, std::uint64_t columns) {
  constexpr std::uint64_t kMost = (std::uint64_t{1} << 53) / sizeof(double);
  if (columns != 0 && rows > kMost / columns) {
    throw CallError{Status::Error(Code::kShapeMismatch,
                                  "expected fewer than 2^50 values for %s, got %" PRIu64 " x %" PRIu64, name,
                                  rows, columns)};
  }
  return rows * columns;
}

const float* Pins::Floats(napi_value value, const char* name, std::uint64_t rows, std::uint64_t columns) {
  return static_cast<const float*>(View(value, napi_float32_array, name, rows, columns));
}

const void* Pins::Values(napi_value value, DType dtype, const char* name, std::uint64_t rows,
                         std::uint64_t columns) {
  const napi_typedarray_type type = dtype == DType::kFloat32   ? napi_float32_array
                                    : dtype == DType::kFloat64 ? napi_float64_array
                                                               : napi_uint16_array;
  return View(value, type, name, rows, columns);
}

const std::int32_t* Pins::Ints(napi_value value, const char* name, std::uint64_t rows,
                               std::uint64_t columns) {
  return static_cast<const std::int32_t*>(View(value, napi_int32_array, name, rows, columns));
}

std::vector<std::int32_t> Pins::Index(const Selected& selected, std::uint64_t rows) {
  const std::int32_t* values = Ints(selected.index, "index", rows);
  std::vector<std::int32_t> index(values, values + rows);
  for (std::uint64_t i = 0; i < rows; ++i) {
    if (index[i] >= 0 && static_cast<std::uint64_t>(index[i]) < selected.data_rows) continue;
    throw CallError{Status::Error(Code::kInvalidArgument,
                                  "expected a row below %" PRIu64 " for index[%" PRIu64 "], got %" PRId32,
                                  selected.data_rows, i, index[i])};
  }
  return index;
}

float* Pins::NewFloats(napi_ref& handle, std::uint64_t rows, std::uint64_t columns) {
  return static_cast<float*>(NewArray(environment_->float32_array(), handle, rows, columns));
}

double* Pins::NewDoubles(napi_ref& handle, std::uint64_t rows, std::uint64_t columns) {
  return static_cast<double*>(NewArray(environment_->float64_array(), handle, rows, columns));
}

std::int32_t* Pins::NewInts(napi_ref& handle, std::uint64_t rows, std::uint64_t columns) {
  return static_cast<std::int32_t*>(NewArray(environment_->int32_array(), handle, rows, columns));
}

napi_ref Pins::Keep(napi_value object) {
  const napi_env env = environment_->env();
  references_.reserve(references_.size() + 1);
  napi_ref reference = nullptr;
  Check(env, napi_create_reference(env, object, 1, &reference));
  references_.push_back(reference);
  return reference;
}

void Pins::Release() {
  for (const napi_ref reference : references_) napi_delete_reference(environment_->env(), reference);
  references_.clear();
}

void* Pins::View(napi_value value, napi_typedarray_type wanted, const char* name, std::uint64_t rows,
                 std::uint64_t columns) {
  const napi_env env = environment_->env();
  const char* kind = wanted == napi_float32_array   ? "Float32Array"
                     : wanted == napi_float64_array ? "Float64Array"
                     : wanted == napi_uint16_array  ? "Uint16Array"
                                                    : "Int32Array";
  napi_typedarray_type type = napi_uint8_array;
  bool is_array = false;
  std::size_t length = 0, byte_offset = 0;
  void* data = nullptr;
  napi_value buffer = nullptr;
  Check(env, napi_is_typedarray(env, value, &is_array));
  if (is_array)
    Check(env, napi_get_typedarray_info(env, value, &type, &length, &data, &buffer, &byte_offset));
  if (!is_array || type != wanted) {
    throw CallError{
        Status::Error(Code::kInvalidArgument, "expected a %s for %s, got something else", kind, name)};
  }
  bool detached = false;
  Check(env, napi_is_detached_arraybuffer(env, buffer, &detached));
  if (detached || IsResizable(env, buffer, environment_->resizable_getter())) {
    throw CallError{Status::Error(Code::kInvalidArgument,
                                  "expected a %s on a buffer of fixed length for %s, got a %s one", kind,
                                  name, detached ? "detached" : "resizable")};
  }
  const std::uint64_t count = CountValues(name, rows, columns);
  if (length != count) {
    throw CallError{Status::Error(Code::kShapeMismatch,
                                  "expected %" PRIu64 " x %" PRIu64 " values for %s, got %zu", rows, columns,
                                  name, length)};
  }
  Keep(value);
  return length == 0 ? empty_values : data;
}

void* Pins::NewArray(napi_ref constructor, napi_ref& handle, std::uint64_t rows, std::uint64_t columns) {
  const napi_env env = environment_->env();
  const std::uint64_t count = CountValues("the result", rows, columns);
  napi_value make, length, array;
  Check(env, napi_get_reference_value(env, constructor, &make));
  Check(env, napi_create_double(env, static_cast<double>(count), &length));
  // The JavaScript constructor throws where memory is short; napi_create_arraybuffer would end the process.
  if (napi_new_instance(env, make, 1, &length, &array) != napi_ok) {
    if (TakeException(env) == nullptr) throw JsException{};
    throw CallError{Status::Error(Code::kOutOfMemory,
                                  "expected memory for a result of %" PRIu64 " values, got none", count)};
  }
  void* data = nullptr;
  Check(env, napi_get_typedarray_info(env, array, nullptr, nullptr, &data, nullptr, nullptr));
  handle = Keep(array);
  return count == 0 ? empty_values : data;
}

}  // namespace alfamix::addon
