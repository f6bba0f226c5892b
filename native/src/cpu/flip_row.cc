#include "cpu/flip_row.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "cpu/reduce.h"

namespace alfamix {

namespace {

// When less than this share of |g|^2 is left after masking, u is summed again over the dimensions that are
// left.
constexpr double kSmallRemainder = 1e-6;

struct Flip {
  double at;
  std::int32_t to;
};

Flip FirstFlip(const double* logits, const double* u, std::uint32_t y, std::uint32_t classes) {
  Flip flip{HUGE_VAL, -1};
  for (std::uint32_t c = 0; c < classes; ++c) {
    const double gain = u[c] - u[y];
    if (!(gain > 0)) continue;
    const double step = (logits[y] - logits[c]) / gain;
    if (step < flip.at) flip = {step, static_cast<std::int32_t>(c)};
  }
  return flip;
}

// Fills scratch.masked with W (g * m_k) when z shares a value with anchor k; else returns false.
bool MaskedBy(const FlipRowTables& tables, const float* z, const float* anchor, double norm2,
              const FlipRowScratch& scratch) {
  const std::uint32_t classes = tables.params().classes;
  const std::uint32_t dim = tables.params().pool.dim;
  const double* centered = tables.centered();
  bool shared = false;
  double shared_norm2 = 0;
  for (std::uint32_t j = 0; j < dim; ++j) {
    if (z[j] != anchor[j]) continue;
    if (!shared) std::memcpy(scratch.masked.get(), scratch.u.get(), classes * sizeof(double));
    shared = true;
    const double g = scratch.g[j];
    shared_norm2 += g * g;
    for (std::uint32_t c = 0; c < classes; ++c) scratch.masked[c] -= centered[std::size_t{c} * dim + j] * g;
  }
  if (!shared) return false;
  if (norm2 - shared_norm2 > kSmallRemainder * norm2) return true;
  std::memset(scratch.masked.get(), 0, classes * sizeof(double));
  for (std::uint32_t j = 0; j < dim; ++j) {
    if (z[j] == anchor[j]) continue;
    for (std::uint32_t c = 0; c < classes; ++c)
      scratch.masked[c] += centered[std::size_t{c} * dim + j] * scratch.g[j];
  }
  return true;
}

void SearchAnchors(const FlipRowTables& tables, const float* z, std::uint32_t y,
                   const FlipRowScratch& scratch, FlipRowResult* out) {
  const FlipSearchParams& params = tables.params();
  const std::uint32_t classes = params.classes;
  const std::uint32_t dim = params.pool.dim;
  const double* centered = tables.centered();
  const double norm2 = GradientRow(tables, y, scratch);
  if (norm2 == 0) return;
  const double* g = scratch.g.get();
  const double norm = std::sqrt(norm2);
  for (std::uint32_t c = 0; c < classes; ++c) scratch.u[c] = Dot(centered + std::size_t{c} * dim, g, dim);
  const Flip free = FirstFlip(scratch.logits.get(), scratch.u.get(), y, classes);

  for (std::uint32_t k = 0; k < params.anchor_count; ++k) {
    const float* anchor = params.anchors + std::size_t{k} * dim;
    const double distance2 = SquaredDistance(anchor, z, dim);
    if (distance2 == 0) continue;
    const Flip flip = MaskedBy(tables, z, anchor, norm2, scratch)
                          ? FirstFlip(scratch.logits.get(), scratch.masked.get(), y, classes)
                          : free;
    const float cap =
        static_cast<float>((std::sqrt(static_cast<double>(dim)) * flip.at * norm) / std::sqrt(distance2));
    if (cap < out->flip_cap) {
      out->flip_cap = cap;
      out->flip_anchor = static_cast<std::int32_t>(k);
      out->flip_to = flip.to;
    }
  }
}

}  // namespace

FlipRowTables::FlipRowTables(const FlipSearchParams& params)
    : params_(params), centered_(std::size_t{params.classes} * params.pool.dim) {
  const std::size_t dim = params.pool.dim;
  std::vector<double> mean(dim);
  for (std::uint32_t c = 0; c < params.classes; ++c) {
    const float* row = params.weight + c * dim;
    double* centered = centered_.get() + c * dim;
    for (std::size_t j = 0; j < dim; ++j) {
      centered[j] = static_cast<double>(row[j]) - static_cast<double>(params.weight[j]);
      mean[j] += centered[j];
    }
  }
  for (double& x : mean) x /= params.classes;
  for (std::uint32_t c = 0; c < params.classes; ++c) {
    double* centered = centered_.get() + c * dim;
    for (std::size_t j = 0; j < dim; ++j) centered[j] -= mean[j];
  }
}

double GradientRow(const FlipRowTables& tables, std::uint32_t y, const FlipRowScratch& scratch) {
  const std::uint32_t classes = tables.params().classes;
  const std::uint32_t dim = tables.params().pool.dim;
  const double* centered = tables.centered();
  double* g = scratch.g.get();
  std::memset(g, 0, dim * sizeof(double));
  // Class by class against y's own row: where a likely class shares it, the sum of q_c w_c would lose the
  // unlikely ones to rounding.
  const double* own = centered + std::size_t{y} * dim;
  for (std::uint32_t c = 0; c < classes; ++c) {
    const double weight = scratch.q[c];
    if (c == y || weight == 0) continue;
    const double* row = centered + std::size_t{c} * dim;
    for (std::uint32_t j = 0; j < dim; ++j) g[j] += weight * (row[j] - own[j]);
  }
  return Dot(g, g, dim);
}

bool PredictRow(const FlipRowTables& tables, const float* z, const FlipRowScratch& scratch,
                FlipRowResult* out) {
  const FlipSearchParams& params = tables.params();
  const std::uint32_t classes = params.classes;
  const std::size_t dim = params.pool.dim;
  double* logits = scratch.logits.get();
  double* q = scratch.q.get();
  for (std::uint32_t c = 0; c < classes; ++c) {
    logits[c] = Dot(z, params.weight + c * dim, dim) + static_cast<double>(params.bias[c]);
    if (!std::isfinite(logits[c])) return false;
  }
  std::uint32_t y = 0;
  for (std::uint32_t c = 1; c < classes; ++c) {
    if (logits[c] > logits[y]) y = c;
  }
  std::uint32_t second = y == 0 ? 1 : 0;
  for (std::uint32_t c = 0; c < classes; ++c) {
    if (c != y && logits[c] > logits[second]) second = c;
  }

  // q = r - e_y, r the softmax over the other classes: the gradient's direction, without the cancellation of
  // p_y - 1
  double sum = 0;
  for (std::uint32_t c = 0; c < classes; ++c) {
    q[c] = c == y ? 0 : std::exp(logits[c] - logits[second]);
    sum += q[c];
  }
  double spread = 0;
  for (std::uint32_t c = 0; c < classes; ++c) {
    q[c] /= sum;
    if (c != y) spread += q[c] * (logits[second] - logits[c]);
  }
  q[y] = -1;

  const double gap = logits[y] - logits[second];
  const double odds = sum * std::exp(-gap);
  out->pseudo_label = static_cast<std::int32_t>(y);
  out->confidence = static_cast<float>(1 / (1 + odds));
  out->margin = static_cast<float>(-std::expm1(-gap) / (1 + odds));
  out->doubt = odds / (1 + odds);
  out->entropy = static_cast<float>(std::log1p(odds) + out->doubt * (gap + spread));
  return true;
}

bool FlipRow(const FlipRowTables& tables, const float* z, const FlipRowScratch& scratch, FlipRowResult* out) {
  if (!PredictRow(tables, z, scratch, out)) return false;
  out->flip_cap = HUGE_VALF;
  out->flip_anchor = -1;
  out->flip_to = -1;
  const auto y = static_cast<std::uint32_t>(out->pseudo_label);
  if (tables.params().anchor_count > 0) SearchAnchors(tables, z, y, scratch, out);
  return true;
}

}  // namespace alfamix
