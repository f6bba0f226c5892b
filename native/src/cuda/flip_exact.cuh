// Rows that float32 can't vouch for, decided in double, one warp a row: the sums of
// native/src/cpu/flip_row.cc in the same order. A sum of eight interleaved parts is eight lanes' work, so a
// warp makes four at once.
#pragma once

#include "cuda/double_rows.cuh"
#include "cuda/flip_kernels.h"
#include "cuda/warp.cuh"

namespace alfamix::cuda {

// A warp's scratch: doubles for 4 C + K + D values.
struct FlipExactWork {
  double* logits;     // C
  double* q;          // C
  double* u;          // C
  double* masked;     // C
  double* distance2;  // K
  double* g;          // D
};

struct ExactFlip {
  double at = INFINITY;
  std::int32_t to = -1;
};

// The same in every lane.
__device__ inline ExactFlip FirstExactFlip(const double* logits, const double* u, std::uint32_t y,
                                           std::uint32_t classes) {
  ExactFlip flip;
  for (std::uint32_t c = Lane(); c < classes; c += kWarp) {
    const double gain = u[c] - u[y];
    if (!(gain > 0)) continue;
    const double step = (logits[y] - logits[c]) / gain;
    if (step < flip.at) {
      flip.at = step;
      flip.to = static_cast<std::int32_t>(c);
    }
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    const double at = __shfl_xor_sync(kAll, flip.at, offset);
    const std::int32_t to = __shfl_xor_sync(kAll, flip.to, offset);
    const bool before = to >= 0 && (flip.to < 0 || to < flip.to);
    if (at < flip.at || (at == flip.at && before)) {
      flip.at = at;
      flip.to = to;
    }
  }
  return flip;
}

// Prediction; false (in every lane) for a row with NaN or infinity. Leaves logits and q.
__device__ inline bool PredictExact(const FlipView& v, const float* z, const FlipExactWork& w,
                                    const FlipDeviceOutput& out, std::uint64_t to, std::uint32_t* label,
                                    double* doubt) {
  bool finite = true;
  for (std::uint32_t first = 0; first < v.classes; first += 4) {
    const std::uint32_t c = first + Lane() / 8;
    const std::uint32_t at = c < v.classes ? c : v.classes - 1;
    const double logit =
        DotRows(z, v.weight + static_cast<std::size_t>(at) * v.dim, v.dim) + static_cast<double>(v.bias[at]);
    finite = finite && fabs(logit) < INFINITY;
    if (c < v.classes && Lane() % 8 == 0) w.logits[c] = logit;
  }
  if (!__all_sync(kAll, finite)) return false;
  __syncwarp();
  // All lanes do the same: sums over classes are short, and their order is the twin's.
  const double* logits = w.logits;
  std::uint32_t y = 0;
  for (std::uint32_t c = 1; c < v.classes; ++c) {
    if (logits[c] > logits[y]) y = c;
  }
  std::uint32_t second = y == 0 ? 1 : 0;
  for (std::uint32_t c = 0; c < v.classes; ++c) {
    if (c != y && logits[c] > logits[second]) second = c;
  }
  for (std::uint32_t c = Lane(); c < v.classes; c += kWarp)
    w.q[c] = c == y ? 0.0 : exp(logits[c] - logits[second]);
  __syncwarp();
  double sum = 0;
  for (std::uint32_t c = 0; c < v.classes; ++c) sum += w.q[c];
  double spread = 0;
  for (std::uint32_t c = 0; c < v.classes; ++c) {
    if (c != y) spread += w.q[c] / sum * (logits[second] - logits[c]);
  }
  __syncwarp();
  for (std::uint32_t c = Lane(); c < v.classes; c += kWarp) w.q[c] = c == y ? -1.0 : w.q[c] / sum;
  __syncwarp();
  const double gap = logits[y] - logits[second];
  const double odds = sum * exp(-gap);
  *label = y;
  *doubt = odds / (1 + odds);
  if (Lane() == 0) out.pseudo_label[to] = static_cast<std::int32_t>(y);
  if (Lane() == 0 && out.confidence != nullptr) {
    out.confidence[to] = static_cast<float>(1 / (1 + odds));
    out.margin[to] = static_cast<float>(-expm1(-gap) / (1 + odds));
    out.entropy[to] = static_cast<float>(log1p(odds) + *doubt * (gap + spread));
  }
  return true;
}

// W^T q into w.g; its squared norm.
__device__ inline double GradientExact(const FlipView& v, std::uint32_t y, const FlipExactWork& w) {
  const double* own = v.exact_centered + static_cast<std::size_t>(y) * v.dim;
  for (std::uint32_t j = Lane(); j < v.dim; j += kWarp) {
    double g = 0;
    for (std::uint32_t c = 0; c < v.classes; ++c) {
      const double weight = w.q[c];
      if (c == y || weight == 0) continue;
      g += weight * (v.exact_centered[static_cast<std::size_t>(c) * v.dim + j] - own[j]);
    }
    w.g[j] = g;
  }
  __syncwarp();
  return DotRows(w.g, w.g, v.dim);
}

// When less than this share of |g|^2 is left after masking, u is summed again over the dimensions that are
// left.
constexpr double kSmallRemainder = 1e-6;

// w.masked = W (g * m_k) where z shares a value with the anchor; else false. The same in every lane.
__device__ inline bool MaskExact(const FlipView& v, const float* z, const float* anchor, double norm2,
                                 const FlipExactWork& w) {
  bool shared = false;
  double shared_norm2 = 0;
  for (std::uint32_t first = 0; first < v.dim; first += kWarp) {
    const std::uint32_t here = first + Lane();
    unsigned equal = __ballot_sync(kAll, here < v.dim && z[here] == anchor[here]);
    if (equal == 0) continue;
    if (!shared) {
      for (std::uint32_t c = Lane(); c < v.classes; c += kWarp) w.masked[c] = w.u[c];
      shared = true;
    }
    for (; equal != 0; equal &= equal - 1) {
      const std::uint32_t j = first + static_cast<std::uint32_t>(__ffs(static_cast<int>(equal))) - 1;
      const double g = w.g[j];
      shared_norm2 += g * g;
      for (std::uint32_t c = Lane(); c < v.classes; c += kWarp)
        w.masked[c] -= v.exact_centered[static_cast<std::size_t>(c) * v.dim + j] * g;
    }
  }
  if (shared && !(norm2 - shared_norm2 > kSmallRemainder * norm2)) {
    for (std::uint32_t c = Lane(); c < v.classes; c += kWarp) {
      double sum = 0;
      for (std::uint32_t j = 0; j < v.dim; ++j) {
        if (z[j] != anchor[j]) sum += v.exact_centered[static_cast<std::size_t>(c) * v.dim + j] * w.g[j];
      }
      w.masked[c] = sum;
    }
  }
  __syncwarp();
  return shared;
}

__device__ inline void SearchExact(const FlipView& v, const float* z, std::uint32_t y, const FlipExactWork& w,
                                   const FlipDeviceOutput& out, std::uint64_t to) {
  float cap = INFINITY;
  std::int32_t anchor = -1;
  std::int32_t flip_to = -1;
  const double norm2 = GradientExact(v, y, w);
  if (norm2 != 0) {
    const double norm = sqrt(norm2);
    for (std::uint32_t first = 0; first < v.classes; first += 4) {
      const std::uint32_t c = first + Lane() / 8;
      const std::uint32_t at = c < v.classes ? c : v.classes - 1;
      const double u = DotRows(v.exact_centered + static_cast<std::size_t>(at) * v.dim, w.g, v.dim);
      if (c < v.classes && Lane() % 8 == 0) w.u[c] = u;
    }
    for (std::uint32_t first = 0; first < v.anchors; first += 4) {
      const std::uint32_t k = first + Lane() / 8;
      const std::uint32_t at = k < v.anchors ? k : v.anchors - 1;
      const double distance2 =
          SquaredDistance(v.anchor_rows + static_cast<std::size_t>(at) * v.dim, z, v.dim);
      if (k < v.anchors && Lane() % 8 == 0) w.distance2[k] = distance2;
    }
    __syncwarp();
    const ExactFlip free = FirstExactFlip(w.logits, w.u, y, v.classes);
    for (std::uint32_t k = 0; k < v.anchors; ++k) {
      const float* row = v.anchor_rows + static_cast<std::size_t>(k) * v.dim;
      const double distance2 = w.distance2[k];
      if (distance2 == 0) continue;
      const ExactFlip flip =
          MaskExact(v, z, row, norm2, w) ? FirstExactFlip(w.logits, w.masked, y, v.classes) : free;
      __syncwarp();
      const float here =
          static_cast<float>((sqrt(static_cast<double>(v.dim)) * flip.at * norm) / sqrt(distance2));
      if (here < cap) {
        cap = here;
        anchor = static_cast<std::int32_t>(k);
        flip_to = flip.to;
      }
    }
  }
  if (Lane() != 0) return;
  out.flip_cap[to] = cap;
  out.flip_anchor[to] = anchor;
  out.flip_to[to] = flip_to;
}

// The gradient of a row whose q is known.
__device__ inline void WriteGradientExact(const FlipView& v, std::uint32_t y, double doubt,
                                          const FlipExactWork& w, bool unit, float* to) {
  const double norm2 = GradientExact(v, y, w);
  const double scale = unit ? 1 / sqrt(norm2) : doubt;
  for (std::uint32_t j = Lane(); j < v.dim; j += kWarp)
    to[j] = norm2 > 0 ? static_cast<float>(w.g[j] * scale) : 0.0f;
}

struct FlipExactArguments {
  FlipView view;
  const float* rows;
  std::uint64_t first;  // number of rows[0] in the pool
  FlipDeviceOutput out;
  GradientArguments gradient;
  FlipTally* tally;
  const std::uint32_t* open;
  double* work;  // 4 C + K + D a warp
};

static __global__ void __launch_bounds__(256) FlipExactKernel(const __grid_constant__ FlipExactArguments a) {
  const FlipView& v = a.view;
  const std::uint32_t warps = blockDim.x / kWarp;
  const std::uint32_t warp = blockIdx.x * warps + threadIdx.x / kWarp;
  double* memory = a.work + static_cast<std::size_t>(warp) * (4 * v.classes + v.anchors + v.dim);
  const FlipExactWork w = {memory,
                           memory + v.classes,
                           memory + 2 * v.classes,
                           memory + 3 * v.classes,
                           memory + 4 * v.classes,
                           memory + 4 * v.classes + v.anchors};
  const std::uint32_t count = a.tally->open;
  if (blockIdx.x == 0 && threadIdx.x == 0) a.tally->rechecked += count;
  for (std::uint32_t i = warp; i < count; i += gridDim.x * warps) {
    const std::uint64_t row = a.open[i];
    const float* z = a.rows + row * v.dim;
    std::uint32_t y = 0;
    double doubt = 0;
    if (!PredictExact(v, z, w, a.out, row, &y, &doubt)) {
      if (Lane() == 0) atomicMin(&a.tally->bad_row, static_cast<unsigned long long>(a.first + row));
    } else if (a.gradient.values != nullptr) {
      WriteGradientExact(v, y, doubt, w, a.gradient.unit, a.gradient.values + row * v.dim);
    } else if (v.anchors > 0) {
      SearchExact(v, z, y, w, a.out, row);
    } else if (a.out.flip_cap != nullptr && Lane() == 0) {
      a.out.flip_cap[row] = INFINITY;
      a.out.flip_anchor[row] = a.out.flip_to[row] = -1;
    }
    __syncwarp();
  }
}

}  // namespace alfamix::cuda
