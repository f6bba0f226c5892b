// Head and anchors packed for one level's flip_block, and one thread's scratch for it.
#pragma once

#include "cpu/buffer.h"
#include "cpu/flip_row.h"
#include "cpu/level_table.h"
#include "cpu/panels.h"

namespace alfamix {

class PackedFlipTables {
 public:
  PackedFlipTables(const LevelTable& level, const FlipRowTables& exact);

  const FlipTables& tables() const { return tables_; }

 private:
  void FillHead(const FlipRowTables& exact);
  void FillAnchors(const FlipSearchParams& params, const LevelTable& level);

  PackedPanels panels_;
  FlipTables tables_ = {};
  Buffer<float> gram_;
  Buffer<float> centered_by_dim_;
  Buffer<float> anchor_norm2_;
  Buffer<char> anchor_screens_;
  Buffer<std::uint8_t> one_value_;
  Buffer<float> anchors_by_dim_;
};

// Everything one thread writes while it searches a block.
class FlipSlot {
 public:
  FlipSlot(const LevelTable& level, const FlipTables& tables, std::uint64_t row_buffer_floats);

  FlipScratch scratch;
  FlipRowScratch exact;
  Buffer<float> rows;

 private:
  Buffer<float> floats_;
  Buffer<std::uint32_t> integers_;
};

}  // namespace alfamix
