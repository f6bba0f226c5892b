// The flip search on the device against FlipRow in double, on fresh random problems of every shape: runs on the
// host stand-in and, built by nvcc, on a device.
#include <cstdio>

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

void CheckShape(std::uint64_t rows, std::uint32_t dim, std::uint32_t classes, std::uint32_t anchors, Kind kind,
                float sharpness = 1) {
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
  for (const std::uint32_t columns : {4u, 8u, 9u, 16u, 17u, 24u, 25u, 32u, 33u, 48u, 49u, 96u, 97u, 112u, 113u, 128u,
                                      129u, 200u, 260u}) {
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
