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
  float* events;  // 4 D words a warp
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

// For C + K columns, on a device that gives a block so much shared memory: with few columns all of them in
// one panel, and tiles of many rows. Null: too little for any.
const FlipKernel* FlipKernelFor(std::uint32_t columns, std::size_t shared_bytes);

// Null where the columns are more than a panel holds, or the memory too little.
const FlipKernel* NarrowFlipKernel(std::uint32_t columns, std::size_t shared_bytes);
const FlipKernel* WideFlipKernel(std::uint32_t columns, std::size_t shared_bytes);

}  // namespace alfamix::cuda
