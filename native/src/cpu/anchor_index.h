// One anchor a row, as the mixing kernels take it.
#pragma once

#include "kernels/status.h"

namespace alfamix {

inline Status CheckAnchorIndex(const std::int32_t* index, std::uint64_t rows, std::uint32_t anchors) {
  for (std::uint64_t i = 0; i < rows; ++i) {
    if (index[i] >= -1 && index[i] < static_cast<std::int64_t>(anchors)) continue;
    Status status =
        Status::Error(Code::kInvalidArgument, "expected an anchor from 0 to %lld, or -1, got %d in row %llu",
                      static_cast<long long>(anchors) - 1, index[i], static_cast<unsigned long long>(i));
    status.row = static_cast<std::int64_t>(i);
    return status;
  }
  return Status::Ok();
}

}  // namespace alfamix
