// Where a kernel reads its rows: memory, or ranges of files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace alfamix {

// `rows` x dim little-endian float32 values, row-major, from byte `offset` of the file.
struct FileSegment {
  const char* path = nullptr;  // UTF-8, borrowed
  std::uint64_t offset = 0;
  std::uint64_t rows = 0;
  const char* stamp = nullptr;  // what StampOf (cpu/file_stamp.h) must say of the file, or null; borrowed
};

struct RowSource {
  // rows x dim values, borrowed for the length of the call; null when the rows are in `segments`.
  const float* data = nullptr;
  const FileSegment* segments = nullptr;
  std::size_t segment_count = 0;
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
};

}  // namespace alfamix
