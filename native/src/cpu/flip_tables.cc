#include "cpu/flip_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cpu/reduce.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Up to a whole number of any level's vectors: loads that begin inside an array end inside its padding.
std::size_t Padded(std::size_t n) { return (n + 15) / 16 * 16; }

}  // namespace

PackedFlipTables::PackedFlipTables(const LevelTable& level, const FlipRowTables& exact, int threads)
    : threads_(threads),
      panels_(level, exact.params().pool.dim, exact.params().classes + exact.params().anchor_count) {
  const FlipSearchParams& params = exact.params();
  const std::size_t dim = params.pool.dim;
  for (std::uint32_t c = 0; c < params.classes; ++c) panels_.Set(c, params.weight + c * dim);
  for (std::uint32_t k = 0; k < params.anchor_count; ++k)
    panels_.Set(params.classes + k, params.anchors + k * dim);
  tables_.panels = panels_.panels();
  tables_.dim = params.pool.dim;
  tables_.classes = params.classes;
  tables_.anchors = params.anchor_count;
  tables_.bias = params.bias;
  tables_.weight_rows = params.weight;
  tables_.sqrt_dim = static_cast<float>(std::sqrt(static_cast<double>(dim)));
  FillHead(params);
  if (params.anchor_count == 0) return;
  const bool one_values = FillAnchors(params, level) > 0;
  FillCentered(exact.centered());
  // C^2 multiply-adds a row, or 2 C D.
  if (params.classes > 2 * dim) {
    by_dim_ = PackedLanePanels(level, params.classes, params.pool.dim);
    for (std::uint32_t j = 0; j < dim; ++j)
      by_dim_.Set(j, centered_by_dim_.get() + std::size_t{j} * tables_.class_stride);
    by_class_ = PackedLanePanels(level, params.pool.dim, params.classes);
    for (std::uint32_t c = 0; c < params.classes; ++c) by_class_.Set(c, exact.centered() + c * dim);
    tables_.by_dim = by_dim_.panels();
    tables_.by_class = by_class_.panels();
  } else {
    FillGram(exact.centered(), level, one_values);
  }
}

void PackedFlipTables::FillHead(const FlipSearchParams& params) {
  const std::size_t dim = params.pool.dim;
  for (std::uint32_t c = 0; c < params.classes; ++c) {
    const float* weight = params.weight + c * dim;
    tables_.weight_norm =
        std::max(tables_.weight_norm, static_cast<float>(std::sqrt(Dot(weight, weight, dim))));
    tables_.bias_max = std::max(tables_.bias_max, std::fabs(params.bias[c]));
  }
}

std::uint32_t PackedFlipTables::FillAnchors(const FlipSearchParams& params, const LevelTable& level) {
  const std::size_t dim = params.pool.dim;
  const std::size_t anchors = params.anchor_count;
  const std::size_t stride = Padded(anchors);
  anchor_norm2_ = Buffer<float>(stride);
  anchors_by_dim_ = Buffer<float>(dim * stride);
  one_value_ = Buffer<std::uint32_t>(dim);
  slots_ = PackedAnchorSlots(level, params.anchors, params.anchor_count, params.pool.dim);
  for (std::size_t k = 0; k < anchors; ++k) {
    const float* anchor = params.anchors + k * dim;
    anchor_norm2_[k] = static_cast<float>(Dot(anchor, anchor, dim));
    tables_.anchor_norm2_max = std::max(tables_.anchor_norm2_max, anchor_norm2_[k]);
  }
  std::uint32_t one_values = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    bool same = true;
    for (std::size_t k = 1; k < anchors && same; ++k) same = params.anchors[k * dim + j] == params.anchors[j];
    one_value_[j] = same ? (1u << level.lanes) - 1 : 0;
    one_values += same;
    float* values = anchors_by_dim_.get() + j * stride;
    for (std::size_t k = 0; k < stride; ++k)
      values[k] = k < anchors ? params.anchors[k * dim + j] : std::numeric_limits<float>::quiet_NaN();
  }
  tables_.anchor_norm2 = anchor_norm2_.get();
  tables_.anchor_rows = params.anchors;
  tables_.anchors_by_dim = anchors_by_dim_.get();
  tables_.anchor_stride = static_cast<std::uint32_t>(stride);
  tables_.slots = slots_.slots();
  tables_.one_value = one_value_.get();
  return one_values;
}

void PackedFlipTables::FillCentered(const double* centered) {
  const std::size_t dim = tables_.dim;
  const std::size_t classes = tables_.classes;
  const std::size_t stride = Padded(classes);
  tables_.class_stride = static_cast<std::uint32_t>(stride);
  tables_.event_stride = static_cast<std::uint32_t>(Padded(dim));
  centered_by_dim_ = Buffer<float>(dim * stride);
  for (std::size_t c = 0; c < classes; ++c) {
    const double* row = centered + c * dim;
    for (std::size_t j = 0; j < dim; ++j) centered_by_dim_[j * stride + c] = static_cast<float>(row[j]);
    tables_.gram_max = std::max(tables_.gram_max, static_cast<float>(Dot(row, row, dim)));
  }
  tables_.centered_by_dim = centered_by_dim_.get();
}

PackedLanePanels PackedFlipTables::Gram(const LevelTable& level, const double* centered) const {
  const std::size_t dim = tables_.dim;
  const std::size_t classes = tables_.classes;
  PackedLanePanels gram(level, tables_.classes, tables_.classes);
  const Buffer<float> products(classes * classes);
  // Row by row, the longest first to share well; below some thousand products one thread is quicker.
  const int threads = classes * classes * dim < (1 << 22) ? 1 : threads_;
  ThreadPool::Instance().ParallelFor(classes, threads, [&](std::uint64_t i, int) {
    const std::size_t c = classes - 1 - i;
    for (std::size_t d = 0; d <= c; ++d) {
      const float product = static_cast<float>(Dot(centered + c * dim, centered + d * dim, dim));
      products[c * classes + d] = product;
      products[d * classes + c] = product;
    }
    return true;
  });
  for (std::size_t c = 0; c < classes; ++c)
    gram.Set(static_cast<std::uint32_t>(c), products.get() + c * classes);
  return gram;
}

void PackedFlipTables::FillGram(const double* centered, const LevelTable& level, bool one_values) {
  const std::size_t dim = tables_.dim;
  const std::size_t classes = tables_.classes;
  gram_ = Gram(level, centered);
  if (one_values) {
    std::vector<double> differing(centered, centered + classes * dim);
    for (std::size_t c = 0; c < classes; ++c) {
      for (std::size_t j = 0; j < dim; ++j) differing[c * dim + j] *= one_value_[j] == 0;
    }
    whole_gram_ = std::move(gram_);
    gram_ = Gram(level, differing.data());
    tables_.whole_gram = whole_gram_.panels();
  }
  tables_.gram = gram_.panels();
}

FlipSlot::FlipSlot(const LevelTable& level, const FlipTables& t, std::uint64_t row_buffer_floats)
    : exact(t.classes, t.dim), rows(row_buffer_floats) {
  const std::size_t tile = level.tile_lanes;
  const std::size_t classes = t.classes;
  const std::size_t dim = t.dim;
  const std::size_t events = t.anchors > 0 ? dim : 0;
  struct Part {
    float** place;
    std::size_t size;
  };
  const Part parts[] = {
      {&scratch.z, level.tile_chunk * tile},
      {&scratch.lanes, (classes + t.anchors) * tile},
      {&scratch.q, classes * tile},
      {&scratch.u, classes * tile},
      {&scratch.whole, classes * tile},
      {&scratch.class_lead, classes},
      {&scratch.class_gain, classes},
      {&scratch.shared_values, events},
      {&scratch.shared_gradient, events},
      {&scratch.shared_loss, events * kReachChunk},
      {&scratch.step_at, t.anchor_stride},
      {&scratch.step_lowest, t.anchor_stride},
      {&scratch.step_highest, t.anchor_stride},
      {&scratch.likely_q, level.tile_chunk * (tile + level.tile_columns)},
      {&scratch.tile_gradient, t.by_dim.data != nullptr ? dim * tile : 0},
      {&scratch.row, classes},
      {&scratch.gradient, dim},  // rounded up below, to any level's lanes
      {&scratch.event_gradient, t.event_stride * level.lanes},
  };
  std::size_t total = 0;
  for (const Part& part : parts) total += Padded(part.size);
  floats_ = Buffer<float>(total);
  float* next = floats_.get();
  for (const Part& part : parts) {
    *part.place = next;
    next += Padded(part.size);
  }
  const std::size_t vectors = tile / level.lanes;
  integers_ = Buffer<std::uint32_t>(2 * vectors * events + 2 * classes + 2 * events);
  scratch.event_dims = integers_.get();
  scratch.event_lanes = scratch.event_dims + vectors * events;
  scratch.likely = scratch.event_lanes + vectors * events;
  scratch.reachable = scratch.likely + classes;
  scratch.shared_dims = scratch.reachable + classes;
  scratch.to_anchor = scratch.shared_dims + events;
  step_to_ = Buffer<std::int32_t>(t.anchor_stride);
  scratch.step_to = step_to_.get();
}

}  // namespace alfamix
