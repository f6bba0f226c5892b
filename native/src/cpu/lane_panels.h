// Columns packed for the product of a tile of rows in lanes (cpu/lane_tiles.inl).
#pragma once

#include <cstdint>

#include "cpu/buffer.h"
#include "cpu/level_table.h"

namespace alfamix {

class PackedLanePanels {
 public:
  PackedLanePanels() = default;
  PackedLanePanels(const LevelTable& level, std::uint32_t dim, std::uint32_t columns)
      : data_(std::size_t{dim} * columns), panels_{data_.get(), dim, columns} {
    const std::uint32_t count = (columns + level.tile_columns - 1) / level.tile_columns;
    if (count == 0) return;
    narrow_ = columns / count;
    wide_ = columns % count;
  }

  // Column `column` is `values`, dim of them.
  template <typename T>
  void Set(std::uint32_t column, const T* values) {
    const std::uint32_t in_wide = wide_ * (narrow_ + 1);
    const bool wide = column < in_wide;
    const std::uint32_t width = narrow_ + (wide ? 1 : 0);
    const std::uint32_t place = (wide ? column : column - in_wide) % width;
    float* to = data_.get() + std::size_t{column - place} * panels_.dim + place;
    for (std::uint32_t j = 0; j < panels_.dim; ++j)
      to[std::size_t{j} * width] = static_cast<float>(values[j]);
  }

  const LanePanels& panels() const { return panels_; }

 private:
  Buffer<float> data_;
  LanePanels panels_ = {};
  std::uint32_t narrow_ = 0;
  std::uint32_t wide_ = 0;  // the first so many panels hold a column more
};

}  // namespace alfamix
