// One of the scan's kernels as an entry of a table.
#pragma once

#include "cuda/flip_scan.cuh"

namespace alfamix::cuda {

template <typename Shape>
FlipKernel FlipKernelOf() {
  using Tile = FlipTile<Shape>;
  return {FlipScanKernel<Shape>, Shape::kRows, Shape::kColumns,  Shape::kThreads,
          Tile::kStride,         Tile::kParts, Shape::kRingBytes};
}

}  // namespace alfamix::cuda
