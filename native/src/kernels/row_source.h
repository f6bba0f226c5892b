// Where a kernel reads its rows: memory, or ranges of files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace alfamix {

// How values are stored. Kernels work on float32: 16-bit values widen to it exactly, float64 is rounded to
// it.
enum class DType : std::uint8_t { kFloat32, kFloat16, kBfloat16, kFloat64 };

constexpr std::uint32_t BytesOf(DType dtype) {
  return dtype == DType::kFloat64 ? 8 : dtype == DType::kFloat32 ? 4 : 2;
}

// `rows` x dim little-endian values, row-major, from byte `offset` of the file.
struct FileSegment {
  const char* path = nullptr;  // UTF-8, borrowed
  std::uint64_t offset = 0;
  std::uint64_t rows = 0;
  const char* stamp = nullptr;  // what StampOf (cpu/file_stamp.h) must say of the file, or null; borrowed
  DType dtype = DType::kFloat32;
};

struct RowSource {
  // rows x dim values, borrowed for the length of the call; null when the rows are in `segments`.
  const void* data = nullptr;
  DType dtype = DType::kFloat32;  // of `data`
  const FileSegment* segments = nullptr;
  std::size_t segment_count = 0;
  std::uint64_t rows = 0;
  std::uint32_t dim = 0;
};

}  // namespace alfamix
