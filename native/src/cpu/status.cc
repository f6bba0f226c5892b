#include "kernels/status.h"

#include <cstdarg>
#include <cstdio>

namespace alfamix {

Status Status::Error(Code code, const char* format, ...) {
  Status status;
  status.code = code;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(status.text, sizeof status.text, format, arguments);
  va_end(arguments);
  return status;
}

}  // namespace alfamix
