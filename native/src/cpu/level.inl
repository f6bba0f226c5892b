// One instruction-set level: the templates below, compiled for the vector type included before them.

static inline uint32_t FirstBit(unsigned bits) {
#if defined(_MSC_VER) && !defined(__clang__)
  unsigned long index;
  _BitScanForward(&index, bits);
  return index;
#else
  return static_cast<uint32_t>(__builtin_ctz(bits));
#endif
}

// Into the second level of cache.
#if defined(__GNUC__)
static inline void PrefetchFar(const void* at) { __builtin_prefetch(at, 0, 2); }
#else
static inline void PrefetchFar(const void*) {}
#endif

#include "cpu/elementary.inl"
#include "cpu/double_rows.inl"
#include "cpu/double_product.inl"
#include "cpu/softmax_row.inl"
#include "cpu/widen.inl"
#include "cpu/product.inl"
#include "cpu/assign.inl"
#include "cpu/lane_tiles.inl"
#include "cpu/lane_scan.inl"
#include "cpu/flip_bounds.inl"
#include "cpu/flip_lanes.inl"
#include "cpu/flip_gains.inl"
#include "cpu/flip_refine.inl"
#include "cpu/flip_farthest.inl"
#include "cpu/flip_events.inl"
#include "cpu/flip_reach.inl"
#include "cpu/flip_shared.inl"
#include "cpu/flip_block.inl"
#include "cpu/gradient.inl"
#include "cpu/machine.inl"

static constexpr LevelTable MakeLevelTable() {
  return {kLanes,    kPanelWidth, kTileLanes,    kTileColumns, kTileChunk,       kSlots,         Widen,
          Product,   FlipBlock,   GradientBlock, DotRows,      SquaredDistance,  InterpolateRow, AlphaRow,
          kPackTile, PackRows,    TopTwoBlock,   CaptureBlock, AddRow,           DoubleProduct,  DotDoubles,
          AddScaled, SoftmaxRow,  ReadAll,       MultiplyAdds, kChains * kLanes, nullptr};
}
