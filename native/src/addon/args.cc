#include "addon/args.h"

#include <cinttypes>
#include <cmath>

#include "addon/cuda_plugin.h"
#include "addon/errors.h"
#include "cpu/levels.h"
#include "cpu/thread_pool.h"

namespace alfamix::addon {

Args::Args(napi_env env, napi_value object, std::string path)
    : env_(env), object_(object), path_(std::move(path)) {
  napi_valuetype type = napi_undefined;
  Check(env, napi_typeof(env, object, &type));
  if (type != napi_object) {
    const char* name = path_.empty() ? "the argument" : path_.c_str();
    throw CallError{
        Status::Error(Code::kInvalidArgument, "expected an object for %s, got something else", name)};
  }
}

napi_value Args::Get(const char* name) const {
  napi_value value = nullptr;
  Check(env_, napi_get_named_property(env_, object_, name, &value));
  return value;
}

napi_value Args::GetOptional(const char* name) const {
  const napi_value value = Get(name);
  napi_valuetype type = napi_undefined;
  Check(env_, napi_typeof(env_, value, &type));
  return type == napi_undefined || type == napi_null ? nullptr : value;
}

double Args::Number(const char* name, const char* wanted) const {
  const napi_value value = Get(name);
  napi_valuetype type = napi_undefined;
  Check(env_, napi_typeof(env_, value, &type));
  if (type != napi_number) {
    throw CallError{Status::Error(Code::kInvalidArgument, "expected %s for %s%s, got something else", wanted,
                                  path_.c_str(), name)};
  }
  double number = 0;
  Check(env_, napi_get_value_double(env_, value, &number));
  return number;
}

std::uint64_t Args::Integer(const char* name, std::uint64_t min, std::uint64_t max) const {
  const double number = Number(name, "an integer");
  // max is at most 2^53 - 1, so both bounds are exact in double; NaN fails every comparison.
  const bool inside = number >= static_cast<double>(min) && number <= static_cast<double>(max);
  if (!inside || number != std::floor(number)) {
    throw CallError{Status::Error(Code::kInvalidArgument,
                                  "expected an integer of %" PRIu64 " to %" PRIu64 " for %s%s, got %g", min,
                                  max, path_.c_str(), name, number)};
  }
  return static_cast<std::uint64_t>(number);
}

double Args::NonNegative(const char* name) const {
  const double number = Number(name, "a number of at least 0");
  if (!(number >= 0) || !std::isfinite(number)) {
    throw CallError{Status::Error(Code::kInvalidArgument,
                                  "expected a finite number of at least 0 for %s%s, got %g", path_.c_str(),
                                  name, number)};
  }
  return number;
}

bool Args::Boolean(const char* name) const {
  const napi_value value = Get(name);
  napi_valuetype type = napi_undefined;
  Check(env_, napi_typeof(env_, value, &type));
  if (type != napi_boolean) {
    throw CallError{Status::Error(
        Code::kInvalidArgument, "expected true or false for %s%s, got something else", path_.c_str(), name)};
  }
  bool truth = false;
  Check(env_, napi_get_value_bool(env_, value, &truth));
  return truth;
}

std::string Args::Text(const char* name) const {
  constexpr std::size_t kMostBytes = 32 * 1024;
  const napi_value value = Get(name);
  napi_valuetype type = napi_undefined;
  Check(env_, napi_typeof(env_, value, &type));
  std::size_t size = 0;
  if (type == napi_string) Check(env_, napi_get_value_string_utf8(env_, value, nullptr, 0, &size));
  std::string text;
  if (type == napi_string && size <= kMostBytes) {
    text.resize(size + 1);
    Check(env_, napi_get_value_string_utf8(env_, value, text.data(), text.size(), &size));
    text.resize(size);
  }
  if (text.empty() || text.find('\0') != std::string::npos) {
    throw CallError{Status::Error(Code::kInvalidArgument,
                                  "expected a string of 1 to %zu bytes without NUL for %s%s", kMostBytes,
                                  path_.c_str(), name)};
  }
  return text;
}

DType Args::Type(const char* name) const {
  if (GetOptional(name) == nullptr) return DType::kFloat32;
  const std::string text = Text(name);
  if (text == "float32") return DType::kFloat32;
  if (text == "float16") return DType::kFloat16;
  if (text == "bfloat16") return DType::kBfloat16;
  if (text == "float64") return DType::kFloat64;
  throw CallError{Status::Error(Code::kInvalidArgument,
                                "expected float32, float16, bfloat16 or float64 for %s%s, got \"%.32s\"",
                                path_.c_str(), name, text.c_str())};
}

JobOptions Args::Options() const {
  JobOptions options;
  options.threads = static_cast<int>(Integer("threads", 1, ThreadPool::kMaxThreads));
  const std::string level = Text("level");
  const bool cuda = level == "cuda";
  options.level = cuda ? LevelCount() - 1 : LevelByName(level.c_str());
  if (options.level < 0) {
    throw CallError{Status::Error(Code::kInvalidArgument,
                                  "expected one of levels(), or cuda, for level, got \"%.32s\"",
                                  level.c_str())};
  }
  if (cuda) options.cuda = CudaInUse();
  if (cuda && options.cuda == nullptr)
    throw CallError{Status::Error(Code::kCudaUnavailable, "the CUDA plug-in has not been opened")};
  return options;
}

Selected Args::Selection() const {
  Selected selected;
  selected.data = Get("data");
  selected.index = GetOptional("index");
  selected.scale = GetOptional("scale");
  if (selected.index != nullptr) selected.data_rows = Integer("dataRows", 0, kMaxSafeInteger);
  return selected;
}

Segments Segments::Read(napi_env env, napi_value value, std::uint64_t rows) {
  constexpr std::uint32_t kMostSegments = 1u << 20;
  bool is_array = false;
  std::uint32_t count = 0;
  Check(env, napi_is_array(env, value, &is_array));
  if (is_array) Check(env, napi_get_array_length(env, value, &count));
  if (!is_array || count == 0 || count > kMostSegments) {
    throw CallError{Status::Error(Code::kInvalidArgument,
                                  "expected an array of 1 to %u file parts for segments", kMostSegments)};
  }
  Segments segments;
  segments.paths.reserve(count);
  segments.stamps.reserve(count);
  segments.list.resize(count);
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    // One scope an element: a million handles would otherwise stay until the call ends.
    const Napi::HandleScope scope(env);
    napi_value element = nullptr;
    Check(env, napi_get_element(env, value, i, &element));
    const Args part(env, element, "segments[" + std::to_string(i) + "].");
    segments.paths.push_back(part.Text("path"));
    segments.stamps.push_back(part.GetOptional("stamp") == nullptr ? std::string() : part.Text("stamp"));
    segments.list[i].dtype = part.Type("dtype");
    segments.list[i].offset = part.Integer("offset", 0, kMaxSafeInteger);
    segments.list[i].rows = part.Integer("rows", 0, kMaxSafeInteger);
    total += segments.list[i].rows;
    if (total > rows) break;
  }
  if (total != rows) {
    throw CallError{Status::Error(Code::kShapeMismatch,
                                  "expected file parts of %" PRIu64 " rows in all for segments", rows)};
  }
  // Moving `segments` moves the vector's storage as a whole: these addresses stay.
  for (std::uint32_t i = 0; i < count; ++i) {
    segments.list[i].path = segments.paths[i].c_str();
    if (!segments.stamps[i].empty()) segments.list[i].stamp = segments.stamps[i].c_str();
  }
  return segments;
}

}  // namespace alfamix::addon
