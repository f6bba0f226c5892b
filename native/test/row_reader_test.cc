#include "cpu/row_reader.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "cpu/levels.h"

namespace alfamix {
namespace {

// A file of `lead` bytes and then `values`, removed at the end.
class TemporaryFile {
 public:
  TemporaryFile(const char* name, std::size_t lead, const std::vector<float>& values)
      : path_((std::filesystem::temp_directory_path() / name).string()) {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    CHECK(file != nullptr);
    if (file == nullptr) return;
    const std::string head(lead, 'x');
    std::fwrite(head.data(), 1, lead, file);
    std::fwrite(values.data(), sizeof(float), values.size(), file);
    std::fclose(file);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

std::vector<float> Counting(std::size_t count, float first) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST(MemoryInPlace) {
  const std::vector<float> values = Counting(12, 0);
  RowSource source;
  source.data = values.data();
  source.rows = 4;
  source.dim = 3;
  RowReader reader(source, *LevelAt(0).table);
  CHECK(reader.Open().ok());
  CHECK(reader.BufferFloats(2) == 0);
  const float* rows = nullptr;
  CHECK(reader.Read(2, 2, nullptr, &rows).ok());
  CHECK(rows == values.data() + 6);
}

TEST(RangesOfSeveralFiles) {
  // Three files, an empty part among them, odd offsets: rows are in order across all borders.
  const TemporaryFile a("alfamix_row_reader_a.bin", 7, Counting(5 * 3, 0));
  const TemporaryFile b("alfamix_row_reader_b.bin", 0, Counting(2 * 3, 15));
  const FileSegment segments[] = {{a.path(), 7, 5}, {b.path(), 0, 0}, {b.path(), 0, 1}, {b.path(), 12, 1}};
  RowSource source;
  source.segments = segments;
  source.segment_count = 4;
  source.rows = 7;
  source.dim = 3;
  RowReader reader(source, *LevelAt(0).table);
  CHECK(reader.Open().ok());
  CHECK(reader.BufferFloats(2) == 2 * source.dim);
  for (std::uint64_t first = 0; first <= 7; ++first) {
    for (std::uint64_t count = 0; first + count <= 7; ++count) {
      std::vector<float> buffer(count * 3 + 1, -1.0f);
      const float* rows = nullptr;
      CHECK(reader.Read(first, count, buffer.data(), &rows).ok());
      CHECK(rows == buffer.data());
      for (std::uint64_t i = 0; i < count * 3; ++i) CHECK(rows[i] == static_cast<float>(first * 3 + i));
      CHECK(buffer.back() == -1.0f);
    }
  }
}

TEST(TruncatedFile) {
  const TemporaryFile file("alfamix_row_reader_short.bin", 0, Counting(10, 0));
  const FileSegment segment = {file.path(), 0, 4};
  RowSource source;
  source.segments = &segment;
  source.segment_count = 1;
  source.rows = 4;
  source.dim = 3;
  RowReader reader(source, *LevelAt(0).table);
  const Status opened = reader.Open();
  std::vector<float> buffer(12);
  const float* rows = nullptr;
  const Status status = opened.ok() ? reader.Read(0, 4, buffer.data(), &rows) : opened;
  CHECK(status.code == Code::kIo);
  CHECK(std::strstr(status.text, "alfamix_row_reader_short.bin") != nullptr);
}

TEST(ChangedFile) {
  const std::vector<float> values = Counting(12, 0);
  const TemporaryFile file("alfamix_row_reader_changes.bin", 0, values);
  FileSegment segment = {file.path(), 0, 3};
  RowSource source;
  source.segments = &segment;
  source.segment_count = 1;
  source.rows = 3;
  source.dim = 3;
  segment.stamp = "1:2:3";
  CHECK(RowReader(source, *LevelAt(0).table).Open().code == Code::kIo);
  segment.stamp = nullptr;
  RowReader reader(source, *LevelAt(0).table);
  CHECK(reader.Open().ok());
  std::vector<float> buffer(9);
  const float* rows = nullptr;
  CHECK(reader.Read(0, 3, buffer.data(), &rows).ok());
  std::filesystem::resize_file(file.path(), 64);  // longer: every row could still be read
  CHECK(reader.Read(0, 3, buffer.data(), &rows).code == Code::kIo);
}

TEST(MissingFolderOrWrongCount) {
  const TemporaryFile file("alfamix_row_reader_count.bin", 0, Counting(6, 0));
  const std::string folder = std::filesystem::temp_directory_path().string();
  FileSegment segment = {"/nowhere/at/all.bin", 0, 2};
  RowSource source;
  source.segments = &segment;
  source.segment_count = 1;
  source.rows = 2;
  source.dim = 3;
  CHECK(RowReader(source, *LevelAt(0).table).Open().code == Code::kIo);
  segment.path = folder.c_str();
  CHECK(RowReader(source, *LevelAt(0).table).Open().code == Code::kIo);
  segment.path = file.path();
  CHECK(RowReader(source, *LevelAt(0).table).Open().ok());
  segment.rows = 1;
  CHECK(!RowReader(source, *LevelAt(0).table).Open().ok());
  segment.rows = ~std::uint64_t{0};
  CHECK(!RowReader(source, *LevelAt(0).table).Open().ok());
}

TEST(StoredTypesWidenTheSameEverywhere) {
  // 37 values: whole vectors and a tail at every level. Half and bfloat16 of small whole numbers, both exact.
  constexpr std::uint32_t kDim = 37;
  std::vector<std::uint16_t> halfs(2 * kDim), bfloats(2 * kDim);
  std::vector<double> doubles(2 * kDim);
  std::vector<float> expected(2 * kDim);
  for (std::uint32_t i = 0; i < 2 * kDim; ++i) {
    const float x = 1.0f + static_cast<float>(i % 8) / 8;
    expected[i] = x;
    halfs[i] = static_cast<std::uint16_t>(15 << 10 | (i % 8) << 7);
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    bfloats[i] = static_cast<std::uint16_t>(bits >> 16);
    doubles[i] = static_cast<double>(x) * (1 + 1e-10);
  }
  const std::pair<DType, const void*> stored[] = {
      {DType::kFloat16, halfs.data()}, {DType::kBfloat16, bfloats.data()}, {DType::kFloat64, doubles.data()}};
  for (int level = 0; level < LevelCount(); ++level) {
    for (const auto& [dtype, values] : stored) {
      std::vector<float> bytes((2 * kDim * BytesOf(dtype) + 3) / 4);
      std::memcpy(bytes.data(), values, 2 * kDim * BytesOf(dtype));
      const TemporaryFile file("alfamix_row_reader_type.bin", 5, bytes);
      const FileSegment segments[] = {{file.path(), 5, 1, nullptr, dtype},
                                      {file.path(), 5 + kDim * BytesOf(dtype), 1, nullptr, dtype}};
      RowSource in_file, in_memory;
      in_file.segments = segments;
      in_file.segment_count = 2;
      in_memory.data = values;
      in_memory.dtype = dtype;
      for (RowSource* source : {&in_file, &in_memory}) {
        source->rows = 2;
        source->dim = kDim;
        RowReader reader(*source, *LevelAt(level).table);
        CHECK(reader.Open().ok());
        std::vector<double> buffer((reader.BufferFloats(2) + 1) / 2);
        const float* rows = nullptr;
        CHECK(reader.Read(0, 2, reinterpret_cast<float*>(buffer.data()), &rows).ok());
        CHECK(std::equal(expected.begin(), expected.end(), rows));
      }
    }
  }
}

}  // namespace
}  // namespace alfamix
