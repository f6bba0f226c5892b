// What a kernel call can end in. Kernels never throw and never abort the process.
#pragma once

#include <cstdint>

namespace alfamix {

enum class Code {
  kOk,
  kInvalidArgument,
  kShapeMismatch,
  kNonFinite,
  kIo,
  kOutOfMemory,
  kAborted,
  kQueueFull,
  // No driver, no device that the plug-in was built for, or a device that was lost.
  kCudaUnavailable,
  kInternal
};

struct Status {
  Code code = Code::kOk;
  // A short sentence, in static storage or inside `text`.
  char text[240] = {0};
  // The row it concerns, or -1.
  std::int64_t row = -1;

  bool ok() const { return code == Code::kOk; }
  static Status Ok() { return {}; }
  static Status Error(Code code, const char* format, ...)
#if defined(__GNUC__)
      __attribute__((format(printf, 2, 3)))
#endif
      ;
};

}  // namespace alfamix
