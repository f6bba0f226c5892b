// Bytes decide a file, its segments (offsets, rows, stamps) and the reads: RowReader must give exactly the
// bytes that the file holds or an error, and FlipSearch must end in a status. With clang and
// ALFAMIX_BUILD_FUZZERS=ON this is a libFuzzer target; in the tests fuzz_loop.cc drives it.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "cpu/levels.h"
#include "cpu/row_reader.h"
#include "kernels/flip_search.h"

namespace {

using alfamix::FileSegment;

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint8_t Next() { return at_ < size_ ? data_[at_++] : 0; }
  // Mostly small, sometimes at the edges of what an integer holds.
  std::uint64_t Number(std::uint64_t most) {
    const std::uint8_t kind = Next();
    if (kind < 240) return Next() % (most + 1);
    constexpr std::uint64_t kEdges[] = {~0ull,      ~0ull >> 1, ~0ull >> 2,
                                        1ull << 53, 1ull << 32, (1ull << 31) - 1};
    return kEdges[kind % 6];
  }
  const std::uint8_t* rest() const { return data_ + at_; }
  std::size_t rest_size() const { return size_ - at_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

void Require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

const std::string& Path() {
#if defined(_WIN32)
  static const std::string path = (std::filesystem::temp_directory_path() / "alfamix_fuzz.bin").string();
#else
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("alfamix_fuzz_" + std::to_string(getpid()) + ".bin"))
          .string();
#endif
  return path;
}

void Write(const std::uint8_t* data, std::size_t size) {
  std::FILE* file = std::fopen(Path().c_str(), "wb");
  Require(file != nullptr, "a file for the test");
  if (size > 0) std::fwrite(data, 1, size, file);
  std::fclose(file);
}

void CheckReads(const alfamix::RowSource& source, const std::vector<std::uint8_t>& expected) {
  alfamix::RowReader reader(source, *alfamix::LevelAt(0).table);
  if (!reader.Open().ok()) return;
  const std::size_t row_bytes = source.dim * sizeof(float);
  for (std::uint64_t first = 0; first < source.rows; ++first) {
    for (std::uint64_t count = 1; count <= std::min<std::uint64_t>(source.rows - first, 3); ++count) {
      std::vector<float> buffer(count * source.dim);
      const float* rows = nullptr;
      if (!reader.Read(first, count, buffer.data(), &rows).ok()) continue;
      Require((first + count) * row_bytes <= expected.size(), "no row beyond the end of the file");
      Require(std::memcmp(rows, expected.data() + first * row_bytes, count * row_bytes) == 0,
              "the file's bytes");
    }
  }
}

void CheckSearch(const alfamix::RowSource& source) {
  const std::vector<float> weight(2 * source.dim, 0.5f), bias(2, 0.0f), anchors(source.dim, 1.0f);
  const std::size_t rows = source.rows;
  std::vector<std::int32_t> label(rows), anchor(rows), to(rows);
  std::vector<float> confidence(rows), margin(rows), entropy(rows), cap(rows);
  alfamix::FlipSearchParams params;
  params.pool = source;
  params.weight = weight.data();
  params.bias = bias.data();
  params.classes = 2;
  params.anchors = anchors.data();
  params.anchor_count = 1;
  alfamix::FlipSearchOutput output = {label.data(), confidence.data(), margin.data(), entropy.data(),
                                      cap.data(),   anchor.data(),     to.data()};
  if (!alfamix::FlipSearch(params, output, alfamix::JobOptions()).ok()) return;
  for (std::size_t row = 0; row < rows; ++row) {
    Require(label[row] == 0 || label[row] == 1, "a class of the head as pseudo-label");
    Require(cap[row] >= 0 && anchor[row] >= -1 && anchor[row] <= 0, "a flip cap and its anchor");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  alfamix::RowSource source;
  source.dim = 1 + bytes.Next() % 9;
  const std::size_t count = 1 + bytes.Next() % 5;
  std::vector<FileSegment> segments(count);
  for (FileSegment& segment : segments) {
    segment.path = bytes.Next() == 255 ? "/nowhere/at/all" : Path().c_str();
    segment.offset = bytes.Number(64);
    segment.rows = bytes.Number(6);
    if (bytes.Next() == 255) segment.stamp = "1:2:3";
    source.rows += segment.rows;
  }
  if (bytes.Next() == 255) ++source.rows;
  source.segments = segments.data();
  source.segment_count = count;
  Write(bytes.rest(), bytes.rest_size());

  // What a sound read gives: the segments' bytes in order, up to the first that leaves the file.
  std::vector<std::uint8_t> expected;
  for (const FileSegment& segment : segments) {
    const std::uint64_t room = segment.offset < bytes.rest_size() ? bytes.rest_size() - segment.offset : 0;
    const std::uint64_t row_bytes = source.dim * sizeof(float);
    const std::uint64_t fitting = std::min<std::uint64_t>(segment.rows, room / row_bytes);
    const std::uint8_t* from = bytes.rest() + std::min<std::uint64_t>(segment.offset, bytes.rest_size());
    expected.insert(expected.end(), from, from + fitting * row_bytes);
    if (fitting < segment.rows)
      expected.resize(
          expected.size() +
              (std::min<std::uint64_t>(segment.rows, 64) - std::min<std::uint64_t>(fitting, 64)) * row_bytes,
          0xEE);
  }
  if (source.rows > 4096) {
    alfamix::RowReader(source, *alfamix::LevelAt(0).table).Open();
  } else {
    CheckReads(source, expected);
    CheckSearch(source);
  }
  return 0;
}
