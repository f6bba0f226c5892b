#include "cpu/file_stamp.h"

#include <cinttypes>
#include <cstdio>

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/stat.h>
#endif

namespace alfamix {

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;  // in ns

// Unsigned, so that any time a file system may claim wraps as BigInt.asUintN does.
std::string Text(std::uint64_t inode, std::uint64_t size, std::uint64_t modified_ns) {
  char text[64];
  std::snprintf(text, sizeof text, "%" PRIu64 ":%" PRIu64 ":%" PRIu64, inode, size, modified_ns);
  return text;
}

}  // namespace

#if defined(_WIN32)
std::string StampOf(std::intptr_t handle) {
  constexpr std::uint64_t kUnixEpoch = 116444736000000000;  // in 100 ns since 1601
  BY_HANDLE_FILE_INFORMATION info;
  if (!GetFileInformationByHandle(reinterpret_cast<HANDLE>(handle), &info)) return {};
  const auto join = [](DWORD high, DWORD low) { return std::uint64_t{high} << 32 | low; };
  const std::uint64_t written = join(info.ftLastWriteTime.dwHighDateTime, info.ftLastWriteTime.dwLowDateTime);
  return Text(join(info.nFileIndexHigh, info.nFileIndexLow), join(info.nFileSizeHigh, info.nFileSizeLow),
              (written - kUnixEpoch) * 100);
}
#else
std::string StampOf(std::intptr_t handle) {
  struct stat info;
  if (fstat(static_cast<int>(handle), &info) != 0) return {};
#if defined(__APPLE__)
  const timespec& time = info.st_mtimespec;
#else
  const timespec& time = info.st_mtim;
#endif
  return Text(info.st_ino, static_cast<std::uint64_t>(info.st_size),
              static_cast<std::uint64_t>(time.tv_sec) * kSecond + static_cast<std::uint64_t>(time.tv_nsec));
}
#endif

}  // namespace alfamix
