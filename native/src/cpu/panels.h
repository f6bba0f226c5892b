// Columns packed for LevelTable::product.
#pragma once

#include <cstdint>

#include "cpu/buffer.h"
#include "cpu/level_table.h"

namespace alfamix {

class PackedPanels {
 public:
  PackedPanels(const LevelTable& table, std::uint32_t dim, std::uint32_t columns)
      : width_(table.panel_width),
        data_(std::size_t{dim} * RoundUp(columns, table.lanes)),
        panels_{data_.get(), dim, columns, RoundUp(columns, table.lanes)} {}

  // Column `column` is `values`, dim of them.
  void Set(std::uint32_t column, const float* values) {
    const std::uint32_t first = column / width_ * width_;
    const std::uint32_t left = panels_.padded - first;
    const std::uint32_t width = left < width_ ? left : width_;
    float* to = data_.get() + std::size_t{first} * panels_.dim + (column - first);
    for (std::uint32_t j = 0; j < panels_.dim; ++j) to[std::size_t{j} * width] = values[j];
  }

  const Panels& panels() const { return panels_; }

  static std::uint32_t RoundUp(std::uint32_t count, std::uint32_t to) { return (count + to - 1) / to * to; }

 private:
  std::uint32_t width_;
  Buffer<float> data_;
  Panels panels_;
};

}  // namespace alfamix
