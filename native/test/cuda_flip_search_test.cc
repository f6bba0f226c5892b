// The flip search on the device against FlipRow in double, on fresh random problems of every shape: runs on
// the host stand-in and, built by nvcc, on a device.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "check.h"
#include "cuda/kernels.h"
#include "flip_problem.h"

namespace alfamix {
namespace {

Outputs SearchOnDevice(const Problem& problem) {
  Outputs out(problem.rows);
  JobOptions options;
  options.threads = 2;
  const Status status = cuda::FlipSearch(problem.Params(), out.Pointers(), options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.text);
  CHECK(status.ok());
  return out;
}

void CheckShape(std::uint64_t rows, std::uint32_t dim, std::uint32_t classes, std::uint32_t anchors,
                Kind kind, float sharpness = 1) {
  Problem problem(rows, dim, classes, anchors, kind);
  for (float& x : problem.weight) x *= sharpness;
  CheckAgainstFlipRow(problem, SearchOnDevice(problem));
}

TEST(EveryKindAndSize) {
  for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
    for (const std::uint32_t dim : {1u, 2u, 3u, 4u, 31u, 32u, 33u, 68u}) {
      const std::uint32_t classes = 2 + (dim + static_cast<std::uint32_t>(kind)) % 5;
      CheckShape(1 + dim * 37 % 301, dim, classes, dim % 4, static_cast<Kind>(kind));
    }
  }
}

// Each of the scan's kernels, at both ends of its range of columns.
TEST(EveryKernel) {
  for (const std::uint32_t columns :
       {4u, 8u, 9u, 16u, 17u, 24u, 25u, 32u, 33u, 48u, 49u, 96u, 97u, 112u, 113u, 128u, 129u, 200u, 260u}) {
    const std::uint32_t classes = 2 + columns % 3 + columns / 3;
    CheckShape(150, 36, classes > columns ? 2 : classes, classes > columns ? columns - 2 : columns - classes,
               columns % 2 == 0 ? Kind::kRelu : Kind::kPlain);
  }
}

// Heads sure of themselves leave few likely classes; unsure ones let many flip a row first.
TEST(ManyClassesSureAndUnsure) {
  for (const float sharpness : {0.01f, 1.0f, 20.0f}) {
    CheckShape(60, 40, 90, 20, Kind::kRelu, sharpness);
    CheckShape(60, 20, 70, 9, Kind::kSparse, sharpness);
  }
  CheckShape(40, 24, 300, 6, Kind::kPlain, 30);
  CheckShape(9, 8, 1000, 3, Kind::kPlain);
}

TEST(MoreTilesThanBlocks) { CheckShape(1500, 20, 3, 3, Kind::kSilent); }

// Matches, or the workspace too, don't fit into shared memory.
TEST(LongAndWideRows) {
  CheckShape(40, 2100, 3, 3, Kind::kSilent);
  CheckShape(140, 40, 120, 100, Kind::kRelu);
}

// Rows of one value and heads of two: partial sums grow in equal steps, whose roundings all go one way, and
// cancel in the end. Every row is a close call.
TEST(SumsThatGrowAndCancel) {
  for (const std::uint32_t dim : {768u, 2048u}) {
    Problem problem(256, dim, 4, 2, Kind::kPlain);
    Random random(dim);
    for (std::uint64_t i = 0; i < problem.rows; ++i)
      std::fill_n(problem.pool.data() + i * dim, dim, std::exp(3 * random.Value()));
    for (std::uint32_t c = 0; c < problem.classes; ++c) {
      const float up = std::exp(random.Value());
      const std::uint32_t cut = dim / 4 + random.Below(dim / 2);
      const float down = -up * static_cast<float>(cut) / static_cast<float>(dim - cut);
      for (std::uint32_t j = 0; j < dim; ++j) problem.weight[c * dim + j] = j < cut ? up : down;
      problem.bias[c] = 0;
    }
    CheckAgainstFlipRow(problem, SearchOnDevice(problem));
  }
}

// Chunks of a pool on their way, each with some rows that are rechecked and some that share values.
TEST(SeveralChunks) { CheckShape(9001, 33, 4, 4, Kind::kSilent); }

// A value as a 16-bit or 64-bit pool stores it.
template <typename T, typename Store>
Outputs SearchStored(const Problem& problem, DType dtype, Store store) {
  std::vector<T> stored(problem.pool.size());
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = store(problem.pool[i]);
  FlipSearchParams params = problem.Params();
  params.pool.data = stored.data();
  params.pool.dtype = dtype;
  Outputs out(problem.rows);
  CHECK_OK(cuda::FlipSearch(params, out.Pointers(), JobOptions()));
  return out;
}

TEST(StoredTypesGiveTheSameBytes) {
  Problem problem(333, 37, 5, 5, Kind::kQuantised);
  // Halves of small integers: every type holds them.
  for (float& x : problem.pool) x = std::round(x * 2) / 2;
  for (float& x : problem.anchors) x = std::round(x * 2) / 2;
  const Outputs wanted = SearchOnDevice(problem);
  const auto bits = [](float x) {
    std::uint32_t all;
    std::memcpy(&all, &x, sizeof all);
    return all;
  };
  CHECK(Same(SearchStored<double>(problem, DType::kFloat64, [](float x) { return static_cast<double>(x); }),
             wanted));
  CHECK(Same(SearchStored<std::uint16_t>(problem, DType::kBfloat16,
                                         [&](float x) { return static_cast<std::uint16_t>(bits(x) >> 16); }),
             wanted));
  const auto half = [&](float x) {
    if (x == 0) return std::uint16_t{0};
    const std::uint32_t all = bits(x);
    return static_cast<std::uint16_t>((all >> 16 & 0x8000u) | ((all >> 23 & 0xffu) - 112) << 10 |
                                      (all >> 13 & 0x3ffu));
  };
  CHECK(Same(SearchStored<std::uint16_t>(problem, DType::kFloat16, half), wanted));
}

TEST(LowestBadRowIsNamed) {
  Problem problem(9001, 33, 3, 3, Kind::kPlain);
  for (const std::uint64_t row : {8000u, 4097u, 2300u}) {
    problem.pool[row * problem.dim + row % problem.dim] = row == 4097 ? HUGE_VALF : kNan;
    Outputs out(problem.rows);
    const Status status = cuda::FlipSearch(problem.Params(), out.Pointers(), JobOptions());
    CHECK(status.code == Code::kNonFinite);
    CHECK(status.row == static_cast<std::int64_t>(row));
  }
  problem.weight[3] = kNan;
  Outputs out(problem.rows);
  CHECK(cuda::FlipSearch(problem.Params(), out.Pointers(), JobOptions()).row == -1);
}

TEST(HookAbortsAndCounts) {
  const Problem problem(9001, 33, 3, 3, Kind::kPlain);
  for (const int stop_at : {1, 2, 7, 0}) {
    JobOptions options;
    Calls calls{stop_at};
    options.progress = Count;
    options.progress_context = &calls;
    Outputs out(problem.rows);
    const Status status = cuda::FlipSearch(problem.Params(), out.Pointers(), options);
    CHECK(status.code == (stop_at == 0 ? Code::kOk : Code::kAborted));
    CHECK(calls.monotone);
    if (stop_at == 0) CHECK(calls.last == problem.rows);
  }
}

// The scores alone.
TEST(NoAnchors) {
  for (const std::uint32_t classes : {2u, 10u, 60u}) CheckShape(300, 33, classes, 0, Kind::kPlain);
}

TEST(EqualHeadRowsNeverFlip) {
  Problem problem(37, 21, 4, 4, Kind::kPlain);
  for (std::uint32_t c = 1; c < problem.classes; ++c)
    std::copy_n(problem.weight.data(), problem.dim, problem.weight.data() + c * problem.dim);
  const Outputs out = SearchOnDevice(problem);
  for (const float cap : out.flip_cap) CHECK(std::isinf(cap));
  CheckAgainstFlipRow(problem, out);
}

}  // namespace
}  // namespace alfamix
