// Head and anchors packed for one level's flip_block, and one thread's scratch for it.
#pragma once

#include "cpu/anchor_slots.h"
#include "cpu/buffer.h"
#include "cpu/flip_row.h"
#include "cpu/level_table.h"
#include "cpu/lane_panels.h"

namespace alfamix {

class PackedFlipTables {
 public:
  // threads: for the Gram matrix of many classes.
  PackedFlipTables(const LevelTable& level, const FlipRowTables& exact, int threads);

  const FlipTables& tables() const { return tables_; }

 private:
  void FillHead(const FlipSearchParams& params);
  // Returns the number of dimensions where all anchors hold one value.
  std::uint32_t FillAnchors(const FlipSearchParams& params, const LevelTable& level);
  void FillCentered(const double* centered);
  void FillGram(const double* centered, const LevelTable& level, bool one_values);

  // The Gram matrix of the rows of `centered` (C x D), packed.
  PackedLanePanels Gram(const LevelTable& level, const double* centered) const;

  const int threads_;
  FlipTables tables_ = {};
  PackedLanePanels panels_;
  PackedLanePanels gram_;
  PackedLanePanels whole_gram_;
  PackedLanePanels by_dim_;
  PackedLanePanels by_class_;
  PackedAnchorSlots slots_;
  Buffer<float> centered_by_dim_;
  Buffer<float> anchor_norm2_;
  Buffer<float> anchors_by_dim_;
  Buffer<std::uint32_t> one_value_;
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
  Buffer<std::int32_t> step_to_;
};

}  // namespace alfamix
