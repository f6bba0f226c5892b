// Rows of a RowSource as float32, block by block: float32 memory in place, the rest through a buffer; files
// by positioned reads (no mapping: a file truncated while it is read ends in an error, not in SIGBUS). While
// one block is computed on the system reads those after it: rows are expected to be read about in their
// order.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "cpu/level_table.h"
#include "kernels/row_source.h"
#include "kernels/status.h"

namespace alfamix {

class RowReader {
 public:
  RowReader(const RowSource& source, const LevelTable& level) : source_(source), level_(level) {}
  ~RowReader();
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  // Opens the files and checks that they are as their stamps say and that the segments hold `rows` rows.
  Status Open();

  // Floats that Read needs as a buffer for `count` rows; 0 for float32 memory.
  std::uint64_t BufferFloats(std::uint64_t count) const;

  // As Read, but leaves values as they are stored where one type holds them all: memory in place, files
  // unwidened; *dtype says which. `buffer` as for Read.
  Status ReadStored(std::uint64_t first, std::uint64_t count, float* buffer, const void** rows,
                    DType* dtype) const;

  // Points *rows at `count` rows from `first`: into memory, or into `buffer`, 8-byte aligned. Any thread
  // may call. kIo when a file ends early or isn't as it was when it was opened: nothing read may be used
  // then.
  Status Read(std::uint64_t first, std::uint64_t count, float* buffer, const float** rows) const;

 private:
  struct File {
    File(std::intptr_t handle, const char* path, std::uint64_t offset, std::uint64_t first_row,
         std::uint64_t rows, std::string stamp, DType dtype)
        : handle(handle),
          path(path),
          offset(offset),
          first_row(first_row),
          rows(rows),
          stamp(std::move(stamp)),
          dtype(dtype),
          asked(offset) {}
    std::intptr_t handle;
    const char* path;
    std::uint64_t offset;
    std::uint64_t first_row;
    std::uint64_t rows;
    std::string stamp;
    DType dtype;
    std::atomic<std::uint64_t>
        asked;  // bytes of the file up to which the system has been asked to read ahead
  };
  Status ReadRows(File& file, std::uint64_t row, std::uint64_t count, float* to) const;
  void ReadAhead(File& file, std::uint64_t end) const;
  Status ReadBytes(const File& file, std::uint64_t offset, char* to, std::uint64_t length) const;

  const RowSource source_;
  const LevelTable& level_;
  mutable std::deque<File> files_;  // a deque: what holds an atomic can't move
};

}  // namespace alfamix
