// Rows times columns, tile by tile, on the tensor cores with float32's accuracy: the product inside the flip
// search and k-means. Rows stream through a ring in shared memory; nothing of the product is stored here, a
// hook takes it from registers.
//
// 3xTF32 (Ootomo and Yokota, "Recovering single precision accuracy from Tensor Cores while surpassing the
// FP32 theoretical peak performance", 2022): x = hi + lo, both TF32 (11 significant bits), and x y = lo hi' +
// hi lo'
// + hi hi' but for less than 8 u |x y|, u = 2^-24 (what lo lets go of, 2 u twice, and lo lo', 4 u). Tensor
// cores add toward zero; so sums are taken from them every 16 dimensions and added in float32, which rounds
// to nearest: see docs/flip-search.md for the bound that follows.
//
// Cost: three products of 16 x 8 x 8 a 1,024 multiply-adds; 4 bytes read from shared memory an element and
// warp that uses it. Rows are read from device memory once where all columns fit one panel; else again for
// each panel, from L2 as far as they are still there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/warp.cuh"

namespace alfamix::cuda {

// Dimensions of a stage of the ring, and floats copied at once.
constexpr std::uint32_t kTileDepth = 32;
constexpr std::uint32_t kChunk = 4;

// A block's warps: kRowWarps x kColumnWarps of them, each with kRowTiles x 16 rows and kColumnTiles x 8
// columns.
template <int kRowWarps_, int kColumnWarps_, int kRowTiles_, int kColumnTiles_, int kStages_>
struct TileShape {
  static constexpr int kRowWarps = kRowWarps_;
  static constexpr int kColumnWarps = kColumnWarps_;
  static constexpr int kRowTiles = kRowTiles_;
  static constexpr int kColumnTiles = kColumnTiles_;
  static constexpr int kStages = kStages_;
  static constexpr int kRows = kRowWarps * kRowTiles * 16;
  static constexpr int kColumns = kColumnWarps * kColumnTiles * 8;
  static constexpr int kThreads = kRowWarps * kColumnWarps * 32;
  static constexpr int kStageFloats = (kRows + kColumns) * static_cast<int>(kTileDepth);
  static constexpr std::size_t kRingBytes = std::size_t{kStages} * kStageFloats * sizeof(float);
};

struct TileOperands {
  const float* rows;  // row_count x dim, 16-byte aligned
  std::uint64_t row_count;
  std::uint32_t dim;
  const float* columns;  // panels * kColumns x depth, zeros where there is no column and from dim on
  std::uint32_t depth;   // dim rounded up to kTileDepth
  std::uint32_t panels;
};

// A stage: dimensions chunk * kTileDepth ... of the rows of a tile and the columns of a panel.
struct TileCursor {
  std::uint64_t tile;
  std::uint32_t panel;
  std::uint32_t chunk;
};

// The next stage of this block: all chunks of a panel, all panels of a tile, every gridDim.x-th tile.
__device__ __forceinline__ void Advance(const TileOperands& operands, TileCursor* at) {
  if (++at->chunk < operands.depth / kTileDepth) return;
  at->chunk = 0;
  if (++at->panel < operands.panels) return;
  at->panel = 0;
  at->tile += gridDim.x;
}

// Where the chunk of 4 dimensions is in a row of a stage. Odd rows have their halves swapped: the eight lanes
// that read at once, two rows of four chunks, then find them in all 32 banks.
__device__ __forceinline__ std::uint32_t PlaceInStage(std::uint32_t row, std::uint32_t chunk) {
  return row * kTileDepth + (chunk ^ (row & 1) << 2) * kChunk;
}

__device__ __forceinline__ float4 ReadStage(const float* stage, std::uint32_t row, std::uint32_t chunk) {
  return *reinterpret_cast<const float4*>(stage + PlaceInStage(row, chunk));
}

// Starts the copies of one stage.
template <typename Shape>
__device__ __forceinline__ void LoadStage(const TileOperands& operands, const TileCursor& at, float* stage) {
  constexpr std::uint32_t kChunks = kTileDepth / kChunk;
  const std::uint32_t chunk = threadIdx.x % kChunks;
  const std::uint32_t first = at.chunk * kTileDepth + chunk * kChunk;
  const std::uint32_t left = first < operands.dim ? operands.dim - first : 0;
  for (std::uint32_t row = threadIdx.x / kChunks; row < Shape::kRows; row += Shape::kThreads / kChunks) {
    const std::uint64_t source = at.tile * Shape::kRows + row;
    const std::uint32_t count = source >= operands.row_count ? 0 : left < kChunk ? left : kChunk;
    const float* from = operands.rows + (count == 0 ? 0 : source * operands.dim + first);
    float* to = stage + PlaceInStage(row, chunk);
    if (operands.dim % kChunk == 0) {
      CopyAsync16(to, from, count * 4);
    } else {
      for (std::uint32_t i = 0; i < kChunk; ++i)
        CopyAsync4(to + i, i < count ? from + i : operands.rows, i < count ? 4 : 0);
    }
  }
  float* columns = stage + Shape::kRows * kTileDepth;
  for (std::uint32_t column = threadIdx.x / kChunks; column < Shape::kColumns;
       column += Shape::kThreads / kChunks) {
    const std::size_t source = std::size_t{at.panel} * Shape::kColumns + column;
    CopyAsync16(columns + PlaceInStage(column, chunk), operands.columns + source * operands.depth + first,
                16);
  }
}

// x = hi + lo: hi rounded to TF32, lo exact; the product ignores what lo has below TF32.
__device__ __forceinline__ void Split(float x, std::uint32_t* hi, std::uint32_t* lo) {
  const std::uint32_t rounded = (__float_as_uint(x) + 0x1000u) & 0xffffe000u;
  *hi = rounded;
  *lo = __float_as_uint(x - __uint_as_float(rounded));
}

template <typename Shape>
using TileSums = float[Shape::kRowTiles][Shape::kColumnTiles][4];

// This thread's place in the block. Element i of a tile's sums is row RowOf(tile, i) and column
// ColumnOf(tile, i) of the block's tile and panel.
template <typename Shape>
struct TilePlace {
  std::uint32_t row_warp = threadIdx.x / kWarp / Shape::kColumnWarps;
  std::uint32_t column_warp = threadIdx.x / kWarp % Shape::kColumnWarps;
  std::uint32_t g = Lane() / 4;
  std::uint32_t t = Lane() % 4;

  __device__ __forceinline__ TilePlace() {}
  __device__ __forceinline__ std::uint32_t RowOf(int row_tile, int i) const {
    return (row_warp * Shape::kRowTiles + row_tile) * 16 + (i >= 2 ? 8 : 0) + g;
  }
  __device__ __forceinline__ std::uint32_t ColumnOf(int column_tile, int i) const {
    return (column_warp * Shape::kColumnTiles + column_tile) * 8 + t * 2 + i % 2;
  }
};

// Column tiles multiplied side by side: enough independent products to hide their latency, and few registers.
constexpr int kColumnGroup = 4;

// Adds one stage to the sums. hook.Elements(stage, at, half, x) sees this thread's elements on the way:
// x[m][i] are dimensions at.chunk * 32 + half * 16 + t * 4 ... + 3 of row RowOf(m, 2 i).
template <typename Shape, typename Hook>
__device__ __forceinline__ void MultiplyStage(const float* stage, const TileCursor& at,
                                              const TilePlace<Shape>& place, TileSums<Shape>& sums,
                                              Hook& hook) {
  constexpr int kRowTiles = Shape::kRowTiles;
  constexpr int kColumnTiles = Shape::kColumnTiles;
  const float* columns = stage + Shape::kRows * kTileDepth;
  ALFAMIX_UNROLLED
  for (int half = 0; half < 2; ++half) {
    float part[kRowTiles][kColumnTiles][4] = {};
    float4 x[kRowTiles][2];
    ALFAMIX_UNROLLED
    for (int m = 0; m < kRowTiles; ++m) {
      ALFAMIX_UNROLLED
      for (int i = 0; i < 2; ++i) x[m][i] = ReadStage(stage, place.RowOf(m, 2 * i), half * 4 + place.t);
    }
    hook.Elements(stage, at, half, x);
    ALFAMIX_UNROLLED
    for (int first = 0; first < kColumnTiles; first += kColumnGroup) {
      float4 y[kColumnGroup];
      ALFAMIX_UNROLLED
      for (int n = 0; n < kColumnGroup; ++n) {
        if (first + n >= kColumnTiles) break;
        const std::uint32_t column = (place.column_warp * kColumnTiles + first + n) * 8 + place.g;
        y[n] = ReadStage(columns, column, half * 4 + place.t);
      }
      // Of the lane's four dimensions two go into each product; which is which doesn't matter to the sum.
      ALFAMIX_UNROLLED
      for (int pair = 0; pair < 2; ++pair) {
        std::uint32_t a_hi[kRowTiles][4], a_lo[kRowTiles][4];
        std::uint32_t b_hi[kColumnGroup][2], b_lo[kColumnGroup][2];
        ALFAMIX_UNROLLED
        for (int m = 0; m < kRowTiles; ++m) {
          ALFAMIX_UNROLLED
          for (int i = 0; i < 2; ++i) {
            Split(pair == 0 ? x[m][i].x : x[m][i].z, &a_hi[m][i], &a_lo[m][i]);
            Split(pair == 0 ? x[m][i].y : x[m][i].w, &a_hi[m][i + 2], &a_lo[m][i + 2]);
          }
        }
        ALFAMIX_UNROLLED
        for (int n = 0; n < kColumnGroup; ++n) {
          if (first + n >= kColumnTiles) break;
          Split(pair == 0 ? y[n].x : y[n].z, &b_hi[n][0], &b_lo[n][0]);
          Split(pair == 0 ? y[n].y : y[n].w, &b_hi[n][1], &b_lo[n][1]);
        }
        ALFAMIX_UNROLLED
        for (int term = 0; term < 3; ++term) {
          ALFAMIX_UNROLLED
          for (int n = 0; n < kColumnGroup; ++n) {
            if (first + n >= kColumnTiles) break;
            ALFAMIX_UNROLLED
            for (int m = 0; m < kRowTiles; ++m)
              MultiplyTf32(part[m][first + n], term == 0 ? a_lo[m] : a_hi[m], term == 1 ? b_lo[n] : b_hi[n]);
          }
        }
      }
    }
    ALFAMIX_UNROLLED
    for (int m = 0; m < kRowTiles; ++m) {
      ALFAMIX_UNROLLED
      for (int n = 0; n < kColumnTiles; ++n) {
        ALFAMIX_UNROLLED
        for (int i = 0; i < 4; ++i) sums[m][n][i] += part[m][n][i];
      }
    }
  }
}

// All tiles of this block. ring: Shape::kRingBytes of shared memory, 128-byte aligned. For each panel of a
// tile hook.Panel(at, sums) is called, by all threads, each with its sums; the hook's own barriers keep its
// shared memory in order. Every warp of the block must be here.
template <typename Shape, typename Hook>
__device__ __forceinline__ void ForTiles(const TileOperands& operands, float* ring, Hook& hook) {
  const std::uint64_t tiles = (operands.row_count + Shape::kRows - 1) / Shape::kRows;
  const TilePlace<Shape> place;
  TileCursor at = {blockIdx.x, 0, 0};
  TileCursor load = at;
  for (int stage = 0; stage < Shape::kStages - 1; ++stage) {
    if (load.tile < tiles) {
      LoadStage<Shape>(operands, load, ring + stage * Shape::kStageFloats);
      Advance(operands, &load);
    }
    CopyCommit();
  }
  TileSums<Shape> sums = {};
  for (int stage = 0; at.tile < tiles; stage = stage + 1 < Shape::kStages ? stage + 1 : 0) {
    // This stage is there, and every thread is done with the one before, whose place is loaded next.
    CopyWait<Shape::kStages - 2>();
    __syncthreads();
    if (load.tile < tiles) {
      const int free = stage == 0 ? Shape::kStages - 1 : stage - 1;
      LoadStage<Shape>(operands, load, ring + free * Shape::kStageFloats);
      Advance(operands, &load);
    }
    CopyCommit();
    MultiplyStage<Shape>(ring + stage * Shape::kStageFloats, at, place, sums, hook);
    const std::uint32_t done = at.chunk + 1;
    if (done * kTileDepth == operands.depth || (Hook::kSumChunks != 0 && done % Hook::kSumChunks == 0)) {
      hook.Panel(at, sums);
      ALFAMIX_UNROLLED
      for (int m = 0; m < Shape::kRowTiles; ++m) {
        ALFAMIX_UNROLLED
        for (int n = 0; n < Shape::kColumnTiles; ++n) {
          ALFAMIX_UNROLLED
          for (int i = 0; i < 4; ++i) sums[m][n][i] = 0.0f;
        }
      }
    }
    Advance(operands, &at);
  }
  CopyWait<0>();
  __syncthreads();
}

// A hook that looks at no element.
struct NoElements {
  static constexpr std::uint32_t kSumChunks = 0;
  template <typename X>
  __device__ __forceinline__ void Elements(const float*, const TileCursor&, int, X&) {}
};

}  // namespace alfamix::cuda
