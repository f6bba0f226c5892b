// Rows of a RowSource, block by block: memory in place, files by positioned reads (no mapping: a file
// truncated while it is read ends in an error, not in SIGBUS).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/row_source.h"
#include "kernels/status.h"

namespace alfamix {

class RowReader {
 public:
  explicit RowReader(const RowSource& source) : source_(source) {}
  ~RowReader();
  RowReader(const RowReader&) = delete;
  RowReader& operator=(const RowReader&) = delete;

  // Opens the files and checks that they are as their stamps say and that the segments hold `rows` rows.
  Status Open();

  bool needs_buffer() const { return source_.data == nullptr; }

  // Points *rows at `count` rows from `first`: into memory, or into `buffer` (count x dim floats). Any thread
  // may call. kIo when a file ends early or isn't as it was when it was opened: nothing read may be used
  // then.
  Status Read(std::uint64_t first, std::uint64_t count, float* buffer, const float** rows) const;

 private:
  struct File {
    std::intptr_t handle;
    const char* path;
    std::uint64_t offset;
    std::uint64_t first_row;
    std::uint64_t rows;
    std::string stamp;
  };
  Status ReadBytes(const File& file, std::uint64_t offset, char* to, std::uint64_t length) const;

  const RowSource source_;
  std::vector<File> files_;
};

}  // namespace alfamix
