// The scan's kernels, one for each range of columns, and what they are started with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/flip_view.h"
#include "cuda/tile_product.cuh"

namespace alfamix::cuda {

struct GradientArguments {
  float* values = nullptr;  // N x D; null: no gradient is asked for
  bool unit = false;        // divided by the norm
  float weight_norm = 0;    // max |w_c|
};

struct FlipScanArguments {
  FlipView view;
  TileOperands operands;  // columns: weight, then anchors
  FlipDeviceOutput out;
  GradientArguments gradient;
  FlipTally* tally;
  std::uint32_t* open;  // rows left open, in any order
  // Where a block's workspace and matches are: these many bytes into its shared memory, or in global memory,
  // block after block.
  float* work;
  std::size_t work_offset;  // used where `work` is null
  std::uint32_t work_floats;
  std::uint32_t* matches;
  std::size_t matches_offset;
  float* events;  // 3 D words a warp
};

struct FlipKernel {
  void (*kernel)(FlipScanArguments);
  std::uint32_t rows;     // of a tile
  std::uint32_t columns;  // of a panel
  std::uint32_t threads;  // of a block
  std::uint32_t stride;   // of the workspace
  std::uint32_t parts;
  std::size_t ring_bytes;
};

// For C + K columns: with few of them all in one panel, and tiles of many rows.
const FlipKernel& FlipKernelFor(std::uint32_t columns);

constexpr std::uint32_t kNarrowColumns = 48;
const FlipKernel& NarrowFlipKernel(std::uint32_t columns);
const FlipKernel& WideFlipKernel(std::uint32_t columns);

}  // namespace alfamix::cuda
