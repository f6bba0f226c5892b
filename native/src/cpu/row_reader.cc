#include "cpu/row_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "cpu/file_stamp.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace alfamix {

namespace {

constexpr std::uint64_t kReadAhead = 32 << 20;
constexpr std::uint64_t kReadAheadStep = 4 << 20;

#if defined(_WIN32)
std::intptr_t OpenForReading(const char* path) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, path, -1, nullptr, 0);
  if (length <= 0) return -1;
  std::wstring wide(static_cast<std::size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path, -1, wide.data(), length);
  const HANDLE file =
      CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                  OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, nullptr);
  return file == INVALID_HANDLE_VALUE ? -1 : reinterpret_cast<std::intptr_t>(file);
}
void Close(std::intptr_t handle) { CloseHandle(reinterpret_cast<HANDLE>(handle)); }
// The cache manager reads ahead by itself: FILE_FLAG_SEQUENTIAL_SCAN.
void AskFor(std::intptr_t, std::uint64_t, std::uint64_t) {}
std::int64_t ReadAt(std::intptr_t handle, char* to, std::uint64_t length, std::uint64_t offset) {
  OVERLAPPED at = {};
  at.Offset = static_cast<DWORD>(offset);
  at.OffsetHigh = static_cast<DWORD>(offset >> 32);
  DWORD got = 0;
  const DWORD wanted = static_cast<DWORD>(std::min<std::uint64_t>(length, 1u << 30));
  if (!ReadFile(reinterpret_cast<HANDLE>(handle), to, wanted, &got, &at)) {
    return GetLastError() == ERROR_HANDLE_EOF ? 0 : -1;
  }
  return got;
}
std::string LastError() { return "error " + std::to_string(GetLastError()); }
#else
std::intptr_t OpenForReading(const char* path) {
  // Without O_NONBLOCK opening a FIFO would wait for a writer, deaf to an abort.
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return -1;
  struct stat info;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode)) return file;
  close(file);
  errno = EINVAL;  // a FIFO or a device has no positions to read at
  return -1;
}
void Close(std::intptr_t handle) { close(static_cast<int>(handle)); }
// Asks for bytes of the file without waiting for them. What can't be had so is read when it is needed.
void AskFor(std::intptr_t handle, std::uint64_t offset, std::uint64_t length) {
#if defined(__APPLE__)
  radvisory what = {static_cast<off_t>(offset), static_cast<int>(length)};
  fcntl(static_cast<int>(handle), F_RDADVISE, &what);
#else
  posix_fadvise(static_cast<int>(handle), static_cast<off_t>(offset), static_cast<off_t>(length),
                POSIX_FADV_WILLNEED);
#endif
}
std::int64_t ReadAt(std::intptr_t handle, char* to, std::uint64_t length, std::uint64_t offset) {
  for (;;) {
    const ssize_t got = pread(static_cast<int>(handle), to,
                              static_cast<std::size_t>(std::min<std::uint64_t>(length, 1u << 30)),
                              static_cast<off_t>(offset));
    if (got >= 0 || errno != EINTR) return got;
  }
}
std::string LastError() { return std::strerror(errno); }
#endif

Status Changed(const char* path) {
  return Status::Error(Code::kIo, "expected %.120s to stay as it was when it was opened, got a changed file",
                       path);
}

}  // namespace

RowReader::~RowReader() {
  for (const File& file : files_) Close(file.handle);
}

Status RowReader::Open() {
  if (source_.data != nullptr) return Status::Ok();
  std::uint64_t rows = 0;
  const std::uint64_t most_rows = (~std::uint64_t{0} >> 1) / 8 / source_.dim;
  for (std::size_t i = 0; i < source_.segment_count; ++i) {
    const FileSegment& segment = source_.segments[i];
    if (segment.rows > most_rows || segment.offset > ~std::uint64_t{0} >> 2) {
      return Status::Error(Code::kInvalidArgument, "expected a file segment of addressable size for %.120s",
                           segment.path);
    }
    const std::intptr_t handle = OpenForReading(segment.path);
    if (handle == -1) {
      return Status::Error(Code::kIo, "can't read %.120s: %.60s", segment.path, LastError().c_str());
    }
    files_.emplace_back(handle, segment.path, segment.offset, rows, segment.rows, StampOf(handle),
                        segment.dtype);
    if (segment.stamp != nullptr && files_.back().stamp != segment.stamp) return Changed(segment.path);
    rows += segment.rows;
  }
  if (rows != source_.rows) {
    return Status::Error(Code::kShapeMismatch, "expected segments of %llu rows in all, got %llu",
                         static_cast<unsigned long long>(source_.rows),
                         static_cast<unsigned long long>(rows));
  }
  return Status::Ok();
}

std::uint64_t RowReader::BufferFloats(std::uint64_t count) const {
  if (source_.data != nullptr && source_.dtype == DType::kFloat32) return 0;
  const bool wide = std::any_of(files_.begin(), files_.end(),
                                [](const File& file) { return file.dtype == DType::kFloat64; });
  return count * source_.dim * (wide ? 2 : 1);
}

Status RowReader::ReadStored(std::uint64_t first, std::uint64_t count, float* buffer, const void** rows,
                             DType* dtype) const {
  if (source_.data != nullptr) {
    *rows = static_cast<const char*>(source_.data) + first * source_.dim * BytesOf(source_.dtype);
    *dtype = source_.dtype;
    return Status::Ok();
  }
  for (File& file : files_) {
    if (first < file.first_row || first + count > file.first_row + file.rows) continue;
    const std::uint64_t bytes_a_row = std::uint64_t{source_.dim} * BytesOf(file.dtype);
    const std::uint64_t offset = file.offset + (first - file.first_row) * bytes_a_row;
    ReadAhead(file, offset + count * bytes_a_row);
    const Status status = ReadBytes(file, offset, reinterpret_cast<char*>(buffer), count * bytes_a_row);
    if (!status.ok()) return status;
    if (StampOf(file.handle) != file.stamp) return Changed(file.path);
    *rows = buffer;
    *dtype = file.dtype;
    return Status::Ok();
  }
  *dtype = DType::kFloat32;
  const float* widened = nullptr;
  const Status status = Read(first, count, buffer, &widened);
  *rows = widened;
  return status;
}

Status RowReader::Read(std::uint64_t first, std::uint64_t count, float* buffer, const float** rows) const {
  if (source_.data != nullptr) {
    const char* from = static_cast<const char*>(source_.data) + first * source_.dim * BytesOf(source_.dtype);
    if (source_.dtype == DType::kFloat32) {
      *rows = reinterpret_cast<const float*>(from);
      return Status::Ok();
    }
    level_.widen(source_.dtype, from, count * source_.dim, buffer);
    *rows = buffer;
    return Status::Ok();
  }
  *rows = buffer;
  for (File& file : files_) {
    if (count == 0) break;
    if (first >= file.first_row + file.rows) continue;
    const std::uint64_t here = std::min(count, file.first_row + file.rows - first);
    const Status status = ReadRows(file, first - file.first_row, here, buffer);
    if (!status.ok()) return status;
    if (StampOf(file.handle) != file.stamp) return Changed(file.path);
    buffer += here * source_.dim;
    first += here;
    count -= here;
  }
  return Status::Ok();
}

// Reads the stored bytes to where widening them from front to back never overwrites what is still to be read:
// 16-bit values into the upper half of their place, float64 from its beginning into the half more that
// BufferFloats asks for.
Status RowReader::ReadRows(File& file, std::uint64_t row, std::uint64_t count, float* to) const {
  const std::uint64_t values = count * source_.dim;
  const std::uint64_t bytes = values * BytesOf(file.dtype);
  const std::uint64_t offset = file.offset + row * source_.dim * BytesOf(file.dtype);
  char* raw = reinterpret_cast<char*>(to);
  if (bytes < values * sizeof(float)) raw += values * sizeof(float) - bytes;
  ReadAhead(file, offset + bytes);
  const Status status = ReadBytes(file, offset, raw, bytes);
  if (status.ok() && file.dtype != DType::kFloat32) level_.widen(file.dtype, raw, values, to);
  return status;
}

// Keeps what is asked for kReadAhead bytes beyond `end`, in steps, so that most reads ask for nothing.
void RowReader::ReadAhead(File& file, std::uint64_t end) const {
  const std::uint64_t last = file.offset + file.rows * source_.dim * BytesOf(file.dtype);
  const std::uint64_t wanted = std::min(end + kReadAhead, last);
  std::uint64_t asked = file.asked.load(std::memory_order_relaxed);
  if (wanted < asked + kReadAheadStep && wanted < last) return;
  if (wanted <= asked || !file.asked.compare_exchange_strong(asked, wanted, std::memory_order_relaxed))
    return;
  const std::uint64_t first = std::max(asked, end);
  if (first < wanted) AskFor(file.handle, first, wanted - first);
}

Status RowReader::ReadBytes(const File& file, std::uint64_t offset, char* to, std::uint64_t length) const {
  while (length > 0) {
    const std::int64_t got = ReadAt(file.handle, to, length, offset);
    if (got < 0) return Status::Error(Code::kIo, "can't read %.120s: %.60s", file.path, LastError().c_str());
    if (got == 0) {
      return Status::Error(
          Code::kIo, "%.120s ended at byte %llu while it was read, expected at least %llu bytes", file.path,
          static_cast<unsigned long long>(offset), static_cast<unsigned long long>(offset + length));
    }
    offset += static_cast<std::uint64_t>(got);
    to += got;
    length -= static_cast<std::uint64_t>(got);
  }
  return Status::Ok();
}

}  // namespace alfamix
