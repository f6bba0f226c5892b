#include "cpu/flip_tables.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include "cpu/reduce.h"

namespace alfamix {

PackedFlipTables::PackedFlipTables(const LevelTable& level, const FlipRowTables& exact)
    : panels_(level, exact.params().pool.dim, exact.params().classes + exact.params().anchor_count) {
  const FlipSearchParams& params = exact.params();
  const std::size_t dim = params.pool.dim;
  for (std::uint32_t c = 0; c < params.classes; ++c) panels_.Set(c, params.weight + c * dim);
  for (std::uint32_t k = 0; k < params.anchor_count; ++k)
    panels_.Set(params.classes + k, params.anchors + k * dim);
  tables_.panels = panels_.panels();
  tables_.dim = params.pool.dim;
  tables_.classes = params.classes;
  tables_.anchors = params.anchor_count;
  tables_.class_stride = PackedPanels::RoundUp(params.classes, level.lanes);
  tables_.anchor_stride = PackedPanels::RoundUp(params.anchor_count, level.lanes);
  tables_.bias = params.bias;
  tables_.sqrt_dim = static_cast<float>(std::sqrt(static_cast<double>(dim)));
  FillHead(exact);
  FillAnchors(params, level);
}

void PackedFlipTables::FillHead(const FlipRowTables& exact) {
  const FlipSearchParams& params = exact.params();
  const std::size_t dim = params.pool.dim;
  const std::size_t classes = params.classes;
  for (std::size_t c = 0; c < classes; ++c) {
    const float* weight = params.weight + c * dim;
    tables_.weight_norm =
        std::max(tables_.weight_norm, static_cast<float>(std::sqrt(Dot(weight, weight, dim))));
    tables_.bias_max = std::max(tables_.bias_max, std::fabs(params.bias[c]));
  }
  if (params.anchor_count == 0) return;
  const double* centered = exact.centered();
  gram_ = Buffer<float>(classes * classes);
  centered_by_dim_ = Buffer<float>(dim * tables_.class_stride);
  for (std::size_t c = 0; c < classes; ++c) {
    for (std::size_t d = 0; d <= c; ++d) {
      const float product = static_cast<float>(Dot(centered + c * dim, centered + d * dim, dim));
      gram_[c * classes + d] = product;
      gram_[d * classes + c] = product;
    }
    tables_.gram_max = std::max(tables_.gram_max, gram_[c * classes + c]);
    for (std::size_t j = 0; j < dim; ++j) {
      centered_by_dim_[j * tables_.class_stride + c] = static_cast<float>(centered[c * dim + j]);
    }
  }
  tables_.gram = gram_.get();
  tables_.centered_by_dim = centered_by_dim_.get();
}

void PackedFlipTables::FillAnchors(const FlipSearchParams& params, const LevelTable& level) {
  const std::size_t dim = params.pool.dim;
  const std::size_t anchors = params.anchor_count;
  const std::size_t width = level.screen_floats;
  const std::size_t groups = (dim + width - 1) / width;
  const std::size_t stride = tables_.anchor_stride;
  anchor_norm2_ = Buffer<float>(anchors);
  anchor_screens_ = Buffer<char>(groups * anchors * level.screen_bytes);
  anchors_by_dim_ = Buffer<float>(groups * width * stride);
  one_value_ = Buffer<std::uint8_t>(dim);
  std::fill_n(anchors_by_dim_.get(), groups * width * stride, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> group(width);
  for (std::size_t k = 0; k < anchors; ++k) {
    const float* anchor = params.anchors + k * dim;
    anchor_norm2_[k] = static_cast<float>(Dot(anchor, anchor, dim));
    tables_.anchor_norm2_max = std::max(tables_.anchor_norm2_max, anchor_norm2_[k]);
    for (std::size_t j = 0; j < dim; ++j) anchors_by_dim_[j * stride + k] = anchor[j];
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t i = 0; i < width; ++i) group[i] = anchors_by_dim_[(g * width + i) * stride + k];
      level.make_screen(group.data(), anchor_screens_.get() + (g * anchors + k) * level.screen_bytes);
    }
  }
  for (std::size_t j = 0; j < dim && anchors > 0; ++j) {
    const float* values = anchors_by_dim_.get() + j * stride;
    one_value_[j] = std::all_of(values, values + anchors, [values](float x) { return x == values[0]; });
  }
  tables_.anchor_norm2 = anchor_norm2_.get();
  tables_.anchor_screens = anchor_screens_.get();
  tables_.anchors_by_dim = anchors_by_dim_.get();
  tables_.one_value = one_value_.get();
}

FlipSlot::FlipSlot(const LevelTable& level, const FlipTables& t, std::uint64_t row_buffer_floats)
    : exact(t.classes, t.dim), rows(row_buffer_floats) {
  const std::size_t lanes = level.lanes;
  const std::size_t padded = t.panels.padded;
  const std::size_t sizes[] = {kBlockRows * padded,
                               padded * lanes,
                               t.classes * lanes,
                               t.classes * lanes,
                               std::size_t{3} * t.class_stride,
                               (std::size_t{t.anchors} + 1) * t.class_stride,
                               t.dim};  // rounded up below, to any level's lanes
  float** const places[] = {&scratch.product, &scratch.lanes,  &scratch.q,       &scratch.u,
                            &scratch.row,     &scratch.masked, &scratch.gradient};
  std::size_t total = 0;
  for (const std::size_t size : sizes) total += (size + 15) / 16 * 16;
  floats_ = Buffer<float>(total);
  float* next = floats_.get();
  for (std::size_t i = 0; i < std::size(sizes); ++i) {
    *places[i] = next;
    next += (sizes[i] + 15) / 16 * 16;
  }
  integers_ = Buffer<std::uint32_t>(t.anchors + kBlockRows * (std::size_t{t.dim} + 1));
  scratch.touched = integers_.get();
  scratch.dims = integers_.get() + t.anchors;
}

}  // namespace alfamix
