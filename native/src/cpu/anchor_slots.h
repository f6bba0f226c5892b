// For each dimension the different values of its anchors, laid out so that one look-up tells whether a number
// is among them: a value sits in the slot that the top bits of (its bits * multiplier) name, in one of
// `tables` tables, each with its own multiplier (cuckoo hashing; Pagh and Rodler, 2004). With a dozen anchors
// one table does.
#pragma once

#include <cstdint>

#include "cpu/buffer.h"
#include "cpu/level_table.h"

namespace alfamix {

class PackedAnchorSlots {
 public:
  PackedAnchorSlots() = default;
  // anchors: K x dim, finite.
  PackedAnchorSlots(const LevelTable& level, const float* anchors, std::uint32_t count, std::uint32_t dim);

  AnchorSlots slots() const { return {values_.get(), multipliers_.get(), tables_, one_}; }

 private:
  void Allocate(std::uint32_t dim, std::uint32_t slots, std::uint32_t tables);

  Buffer<float> values_;
  Buffer<std::uint32_t> multipliers_;
  std::uint32_t tables_ = 0;
  bool one_ = false;
};

}  // namespace alfamix
