// Reads the fields of a method's one argument, an object. Every read may run the caller's getters, so a
// method reads all fields first and looks at typed arrays (Pins) afterwards.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "addon/pins.h"
#include "kernels/job.h"
#include "kernels/row_source.h"

namespace alfamix::addon {

constexpr std::uint64_t kMaxSafeInteger = (std::uint64_t{1} << 53) - 1;
constexpr std::uint64_t kMaxDim = 0x7fffffff;

class Args {
 public:
  // Throws CallError INVALID_ARGUMENT unless `object` is an object; `path` starts the names in messages.
  Args(napi_env env, napi_value object, std::string path = "");

  napi_value Get(const char* name) const;
  // Null for undefined and null.
  napi_value GetOptional(const char* name) const;

  // An integer of min ... max.
  std::uint64_t Integer(const char* name, std::uint64_t min, std::uint64_t max) const;
  // A finite number of at least 0.
  double NonNegative(const char* name) const;
  bool Boolean(const char* name) const;
  // At most 32 KiB of UTF-8 without a NUL.
  std::string Text(const char* name) const;
  // float32, float16, bfloat16 or float64; float32 when absent.
  DType Type(const char* name) const;
  // `threads` and `level`: an instruction-set level, or "cuda" for the plug-in that cuda() opened. What isn't
  // on the device runs at the fastest level then.
  JobOptions Options() const;

  // data, dataRows (where there is an index), index and scale.
  Selected Selection() const;

  std::string NameOf(const char* name) const { return path_ + name; }

 private:
  double Number(const char* name, const char* wanted) const;

  napi_env env_;
  napi_value object_;
  std::string path_;
};

// Parts of files, copied: the job needs nothing of JavaScript to read them.
struct Segments {
  std::vector<std::string> paths;
  std::vector<std::string> stamps;
  std::vector<FileSegment> list;

  // Throws CallError unless `value` is an array of {path, offset, rows, stamp?} with `rows` rows in all.
  static Segments Read(napi_env env, napi_value value, std::uint64_t rows);
};

}  // namespace alfamix::addon
