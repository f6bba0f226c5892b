// The flip search of a tile of rows, fused: product, prediction, gains and flips; logits and distances stay
// on the chip (or, with hundreds of columns, in the block's own part of a buffer that the L2 cache holds).
// Each row is read from device memory once by the product. A row that shares values with anchors is read
// again right after, from L2 as far as it is still there: at D = 768 the tiles under way are more than an
// H100's 50 MB.
//
// Cost: 4 D bytes read and 28 written a row; D (C + K) multiply-adds on the tensor cores, three times; D K
// comparisons, C^2 multiply-adds. Rows that float32 can't vouch for are listed (flip_exact.cuh).
#pragma once

#include "cuda/flip_events.cuh"
#include "cuda/flip_gradient.cuh"
#include "cuda/flip_kernels.h"
#include "cuda/flip_rows.cuh"
#include "cuda/tile_product.cuh"

namespace alfamix::cuda {

// Where a tile's numbers are while it is searched.
template <typename Shape>
struct FlipTile {
  static constexpr std::uint32_t kRows = Shape::kRows;
  // Columns of the workspace begin 4 banks apart.
  static constexpr std::uint32_t kStride = kRows + 4;
  static constexpr std::uint32_t kParts = Shape::kThreads / Shape::kRows;
  static_assert(Shape::kThreads % Shape::kRows == 0);

  FlipWork work;
  std::uint32_t* matches;  // rows x words
  std::uint32_t words;

  __device__ explicit FlipTile(const FlipScanArguments& a) : words(a.operands.depth / kTileDepth) {
    float* memory = a.work != nullptr ? a.work + static_cast<std::size_t>(blockIdx.x) * a.work_floats
                                      : reinterpret_cast<float*>(SharedMemory() + a.work_offset);
    work = FlipWorkAt(memory, kStride, a.view.classes, a.view.anchors, kParts);
    matches = a.matches != nullptr ? a.matches + static_cast<std::size_t>(blockIdx.x) * kRows * words
                                   : reinterpret_cast<std::uint32_t*>(SharedMemory() + a.matches_offset);
  }
  __device__ std::uint32_t* MatchesOf(std::uint32_t row) const {
    return matches + static_cast<std::size_t>(row) * words;
  }
};

// A row with events, by a warp: its flips over all anchors, or its gains put right where it shares nothing
// with a single anchor.
template <typename Shape>
__device__ void SearchEvents(const FlipScanArguments& a, const FlipTile<Shape>& tile, std::uint32_t r,
                             std::uint64_t row) {
  const std::uint32_t dim = a.view.dim;
  const std::uint32_t warp = blockIdx.x * (Shape::kThreads / kWarp) + threadIdx.x / kWarp;
  float* memory = a.events + static_cast<std::size_t>(warp) * 4 * dim;
  FlipEvents events = {reinterpret_cast<std::uint32_t*>(memory),
                       memory + dim,
                       memory + 2 * dim,
                       reinterpret_cast<std::uint32_t*>(memory + 3 * dim),
                       0,
                       0};
  ListEvents(a.view, tile.work, r, tile.MatchesOf(r), tile.words, a.operands.rows + row * dim, &events);
  AddUnshared(a.view, tile.work, r, events);
  const bool all = events.shared > 0;
  const bool sound = all ? AllAnchors(a.view, tile.work, r, events, a.out, row) : true;
  if (Lane() == 0) {
    atomicAdd(&a.tally->events, 1ull);
    if (!sound) LeaveOpen(a, row);
    tile.work.state[r] = all ? kRowDone : kRowUnshared;
  }
  __syncwarp();
}

// Everything after the product. Not inlined: the product's registers are its own.
template <typename Shape>
__device__ __noinline__ void FinishTile(const FlipScanArguments& a, std::uint64_t index) {
  const FlipTile<Shape> tile(a);
  const FlipWork& work = tile.work;
  __syncthreads();
  const std::uint32_t r = threadIdx.x % Shape::kRows;
  const std::uint32_t part = threadIdx.x / Shape::kRows;
  const std::uint64_t first = index * Shape::kRows;
  const std::uint64_t row = first + r;
  const bool mine = part == 0 && row < a.operands.row_count;
  if (part == 0) {
    const RowPrediction found = PredictRow(a.view, work, r, mine ? &a.out : nullptr, row);
    if (a.gradient.values != nullptr) {
      work.logit_error[r] = found.label_is_sure ? found.logit_error : INFINITY;
      work.u[r] = found.doubt;
    } else {
      work.logit_error[r] = found.logit_error;
      work.state[r] = mine && found.scores_are_sure ? kRowPlain : kRowDone;
      if (mine && !found.scores_are_sure) LeaveOpen(a, row);
    }
  }
  if (a.gradient.values != nullptr) {
    __syncthreads();
    for (std::uint32_t i = threadIdx.x / kWarp * kGradientRows;
         i < Shape::kRows && first + i < a.operands.row_count; i += Shape::kThreads / kWarp * kGradientRows)
      GradientOfRows(a, work, i, first + i);
    return;
  }
  if (a.view.anchors == 0) {
    if (mine && a.out.flip_cap != nullptr) {
      a.out.flip_cap[row] = INFINITY;
      a.out.flip_anchor[row] = a.out.flip_to[row] = -1;
    }
    return;
  }
  __syncthreads();
  GainsOfRow(a.view, work, r, part);
  __syncthreads();
  if (part == 0 && work.state[r] == kRowPlain &&
      HasEvents(tile.MatchesOf(r), a.view.one_value_matches, tile.words))
    work.state[r] = kRowEvents;
  __syncthreads();
  for (std::uint32_t i = threadIdx.x / kWarp; i < Shape::kRows; i += Shape::kThreads / kWarp) {
    if (work.state[i] == kRowEvents) SearchEvents<Shape>(a, tile, i, first + i);
  }
  __syncthreads();
  if (part == 0 && work.state[r] != kRowDone && !FarthestAnchor(a.view, work, r, a.out, row))
    LeaveOpen(a, row);
}

template <typename Shape>
class FlipHook {
 public:
  static constexpr std::uint32_t kRows = Shape::kRows;
  static constexpr std::uint32_t kStride = FlipTile<Shape>::kStride;
  static_assert(Shape::kRowTiles % Shape::kColumnWarps == 0);

  __device__ explicit FlipHook(const FlipScanArguments& a) : a_(a), tile_(a) {}

  // Adds to |z|^2, and compares with the anchors among this panel's columns.
  __device__ __forceinline__ void Elements(const float* stage, const TileCursor& at, int half,
                                           const float4 (&x)[Shape::kRowTiles][2]) {
    if (at.panel == 0) Norms(at, half, x);
    if (a_.view.anchors == 0) return;
    if (half == 0) bits_ = 0;
    const std::uint32_t begin = at.panel * Shape::kColumns;
    const std::uint32_t first = a_.view.classes > begin ? a_.view.classes - begin : 0;
    const std::uint32_t last = a_.view.classes + a_.view.anchors - begin;  // wraps where there is none left
    const std::uint32_t end = last < Shape::kColumns ? last : Shape::kColumns;
    const float* columns = stage + kRows * kTileDepth;
    for (std::uint32_t column = first; column < end; column += kAnchorsAtOnce) {
      float4 anchor[kAnchorsAtOnce];
      ALFAMIX_UNROLLED
      for (std::uint32_t i = 0; i < kAnchorsAtOnce; ++i)
        anchor[i] = ReadStage(columns, column + i < end ? column + i : column, half * 4 + place_.t);
      ALFAMIX_UNROLLED
      for (int m = 0; m < Shape::kRowTiles; ++m) {
        if (!IsMine(m)) continue;
        ALFAMIX_UNROLLED
        for (int i = 0; i < 2; ++i) {
          // One chain of comparisons an element, its bit set once: as few instructions as can be.
          bool e[4] = {false, false, false, false};
          ALFAMIX_UNROLLED
          for (std::uint32_t k = 0; k < kAnchorsAtOnce; ++k) {
            e[0] = e[0] || x[m][i].x == anchor[k].x;
            e[1] = e[1] || x[m][i].y == anchor[k].y;
            e[2] = e[2] || x[m][i].z == anchor[k].z;
            e[3] = e[3] || x[m][i].w == anchor[k].w;
          }
          const std::uint32_t bit = 1u << ((m / Shape::kColumnWarps * 2 + i) * 8 + half * 4);
          if (e[0]) bits_ |= bit;
          if (e[1]) bits_ |= bit << 1;
          if (e[2]) bits_ |= bit << 2;
          if (e[3]) bits_ |= bit << 3;
        }
      }
    }
    if (half == 1) StoreMatches(at);
  }

  // Sums of 128 dimensions are added to those before: D / 128 long additions, not D / 16, of sums that may be
  // far larger on their way than in the end.
  static constexpr std::uint32_t kSumChunks = 4;

  __device__ __forceinline__ void Panel(const TileCursor& at, TileSums<Shape>& sums) {
    const bool first = at.chunk < kSumChunks;
    const std::uint32_t columns = a_.view.classes + a_.view.anchors;
    ALFAMIX_UNROLLED
    for (int m = 0; m < Shape::kRowTiles; ++m) {
      ALFAMIX_UNROLLED
      for (int n = 0; n < Shape::kColumnTiles; ++n) {
        ALFAMIX_UNROLLED
        for (int i = 0; i < 4; ++i) {
          const std::uint32_t column = at.panel * Shape::kColumns + place_.ColumnOf(n, i);
          if (column >= columns) continue;
          float* sum = tile_.work.lanes + column * kStride + place_.RowOf(m, i);
          *sum = first ? sums[m][n][i] : *sum + sums[m][n][i];
        }
      }
    }
    if ((at.chunk + 1) * kTileDepth != a_.operands.depth) return;
    if (at.panel == 0) StoreNorms();
    if (at.panel + 1 == a_.operands.panels) FinishTile<Shape>(a_, at.tile);
  }

 private:
  static constexpr std::uint32_t kAnchorsAtOnce = 5;

  // Column warps share the looks at a row warp's tiles.
  __device__ __forceinline__ bool IsMine(int m) const {
    return static_cast<std::uint32_t>(m) % Shape::kColumnWarps == place_.column_warp;
  }

  __device__ __forceinline__ void Norms(const TileCursor& at, int half,
                                        const float4 (&x)[Shape::kRowTiles][2]) {
    ALFAMIX_UNROLLED
    for (int m = 0; m < Shape::kRowTiles; ++m) {
      if (!IsMine(m)) continue;
      ALFAMIX_UNROLLED
      for (int i = 0; i < 2; ++i) {
        // Four squares together before they are added: short sums round little.
        float sum = x[m][i].x * x[m][i].x;
        sum = fmaf(x[m][i].y, x[m][i].y, sum);
        sum = fmaf(x[m][i].z, x[m][i].z, sum);
        sum = fmaf(x[m][i].w, x[m][i].w, sum);
        norm2_[m][i] = at.chunk == 0 && half == 0 ? sum : norm2_[m][i] + sum;
      }
    }
  }

  __device__ __forceinline__ void StoreNorms() {
    ALFAMIX_UNROLLED
    for (int m = 0; m < Shape::kRowTiles; ++m) {
      if (!IsMine(m)) continue;
      ALFAMIX_UNROLLED
      for (int i = 0; i < 2; ++i) {
        float sum = norm2_[m][i];
        sum += __shfl_xor_sync(kAll, sum, 1);
        sum += __shfl_xor_sync(kAll, sum, 2);
        if (place_.t == 0) tile_.work.norm2[place_.RowOf(m, 2 * i)] = sum;
      }
    }
  }

  __device__ __forceinline__ void StoreMatches(const TileCursor& at) {
    ALFAMIX_UNROLLED
    for (int m = 0; m < Shape::kRowTiles; ++m) {
      if (!IsMine(m)) continue;
      ALFAMIX_UNROLLED
      for (int i = 0; i < 2; ++i) {
        auto* bytes = reinterpret_cast<unsigned char*>(tile_.MatchesOf(place_.RowOf(m, 2 * i)) + at.chunk);
        const auto here =
            static_cast<unsigned char>(bits_ >> ((m / Shape::kColumnWarps * 2 + i) * 8) & 0xffu);
        bytes[place_.t] = at.panel == 0 ? here : static_cast<unsigned char>(bytes[place_.t] | here);
      }
    }
  }

  const FlipScanArguments& a_;
  const FlipTile<Shape> tile_;
  TilePlace<Shape> place_;
  std::uint32_t bits_ = 0;
  float norm2_[Shape::kRowTiles][2] = {};
};

template <typename Shape>
__global__ void __launch_bounds__(Shape::kThreads, 1)
    FlipScanKernel(const __grid_constant__ FlipScanArguments arguments) {
  FlipHook<Shape> hook(arguments);
  ForTiles<Shape>(arguments.operands, reinterpret_cast<float*>(SharedMemory()), hook);
}

}  // namespace alfamix::cuda
