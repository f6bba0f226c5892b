// The flip search's part after the product: one thread a row, or some for the gains. A tile's numbers lie
// lane by lane in a workspace, row r of column c at [c * stride + r], so that neighbouring threads touch
// neighbouring words.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

#include "cuda/flip_bounds.h"
#include "cuda/flip_view.h"
#include "cuda/warp.cuh"

namespace alfamix::cuda {

// What is left to do of a row.
enum FlipState : std::int32_t {
  kRowDone,      // decided, left open, or padding
  kRowPlain,     // all anchors' rays have the same gains
  kRowUnshared,  // and the gains were put right
  kRowEvents,    // it may share values with some anchors
};

// A tile's workspace; `stride` floats a column.
struct FlipWork {
  std::uint32_t stride;
  float* lanes;      // C + K columns: logits, anchor products
  float* q;          // C: r - e_y
  float* u;          // C: gains W g
  float* gradient2;  // `parts` columns that add up to |g|^2
  std::uint32_t parts;
  float* norm2;        // |z|^2
  float* label_logit;  // after PredictRow, like all below
  float* logit_error;
  std::int32_t* label;
  std::int32_t* state;  // FlipState
};

__host__ __device__ inline std::uint32_t FlipWorkColumns(std::uint32_t classes, std::uint32_t anchors,
                                                         std::uint32_t parts) {
  return 3 * classes + anchors + parts + 5;
}

__host__ __device__ inline FlipWork FlipWorkAt(float* memory, std::uint32_t stride, std::uint32_t classes,
                                               std::uint32_t anchors, std::uint32_t parts) {
  FlipWork w;
  w.stride = stride;
  w.parts = parts;
  w.lanes = memory;
  w.q = w.lanes + static_cast<std::size_t>(classes + anchors) * stride;
  w.u = w.q + static_cast<std::size_t>(classes) * stride;
  w.gradient2 = w.u + static_cast<std::size_t>(classes) * stride;
  w.norm2 = w.gradient2 + static_cast<std::size_t>(parts) * stride;
  w.label_logit = w.norm2 + stride;
  w.logit_error = w.label_logit + stride;
  w.label = reinterpret_cast<std::int32_t*>(w.logit_error + stride);
  w.state = w.label + stride;
  return w;
}

// The functions below take view and workspace by value: through references the compiler would read their
// fields again after every store.

// What is known of a row's prediction beside its scores.
struct RowPrediction {
  float logit_error;  // of the difference of two logits
  float doubt;        // 1 - p_y, without the cancellation
  bool label_is_sure;
  bool scores_are_sure;  // and q is; never without the label
};

// Pseudo-label, confidence, margin and entropy of row r, into `out` at `to` (null: the row is padding); q for
// the gains, label and its logit for what follows.
__device__ inline RowPrediction PredictRow(const FlipView v, const FlipWork w, std::uint32_t r,
                                           const FlipDeviceOutput* out, std::uint64_t to) {
  float* logits = w.lanes + r;
  float* q = w.q + r;
  float top = -INFINITY;
  float second = -INFINITY;
  std::int32_t label = 0;
  for (std::uint32_t c = 0; c < v.classes; ++c) {
    const float logit = logits[c * w.stride] + v.bias[c];
    logits[c * w.stride] = logit;
    if (logit > top) {
      second = top;
      top = logit;
      label = static_cast<std::int32_t>(c);
    } else if (logit > second) {
      second = logit;
    }
  }
  float sum = 0;
  float spread = 0;
  for (std::uint32_t c = 0; c < v.classes; ++c) {
    const float below = second - logits[c * w.stride];
    const bool own = static_cast<std::int32_t>(c) == label;
    const float e = own ? 0.0f : expf(-below);
    sum += e;
    if (!own && e > 0) spread = fmaf(e, below, spread);
    q[c * w.stride] = e;
  }
  const float inverse = 1.0f / sum;
  // What is left out moves no gain by more than 2 kEpsilon times the largest entry of G.
  const float least = v.classes < kManyClasses ? 0.0f : kEpsilon / static_cast<float>(v.classes);
  for (std::uint32_t c = 0; c < v.classes; ++c) {
    const float share = q[c * w.stride] * inverse;
    q[c * w.stride] = static_cast<std::int32_t>(c) == label ? -1.0f : share > least ? share : 0.0f;
  }
  const float gap = top - second;
  const float second_odds = expf(-gap);
  const float odds = sum * second_odds;
  const float likely = 1.0f / (1.0f + odds);
  const float doubt = odds * likely;
  const float entropy = fmaf(doubt, fmaf(spread, inverse, gap), log1pf(odds));
  const float largest = fmaxf(fabsf(top), fabsf(second));
  float error = fmaf(sqrtf(w.norm2[r]), v.logit_error, (kLogitError + kAlignedLogitError) * v.bias_max);
  error = fmaf(largest, kAlignedLogitError, error);
  w.label[r] = label;
  w.label_logit[r] = top;
  if (out != nullptr) {
    out->pseudo_label[to] = label;
    if (out->confidence != nullptr) {
      out->confidence[to] = likely;
      out->margin[to] = (1.0f - second_odds) * likely;
      out->entropy[to] = entropy;
    }
  }
  // Written so that NaN fails.
  const bool label_is_sure = gap > error;
  return {error, doubt, label_is_sure,
          label_is_sure && kProbabilityError > 2.0f * likely * doubt * error &&
              kSpreadError > error * (1.0f - inverse) && entropy < INFINITY};
}

// Classes whose gains a thread sums at once.
constexpr std::uint32_t kGainBlock = 8;

// Gains u = G q of row r for every `parts`-th block of classes from `part` on, and that part of |g|^2 = q . G
// q. Called by whole warps.
__device__ inline void GainsOfRow(const FlipView v, const FlipWork w, std::uint32_t r, std::uint32_t part) {
  const float* q = w.q + r;
  const bool many = v.classes >= kManyClasses;
  float gradient2 = 0;
  for (std::uint32_t first = part * kGainBlock; first < v.classes; first += w.parts * kGainBlock) {
    for (int pass = 0; pass < (v.whole_gram != nullptr ? 2 : 1); ++pass) {
      const float* gram = (pass == 0 ? v.gram : v.whole_gram) + first;
      float sum[kGainBlock] = {};
      for (std::uint32_t d = 0; d < v.classes; ++d) {
        const float share = q[d * w.stride];
        if (many && !__any_sync(kAll, share != 0)) continue;
        const auto* row =
            reinterpret_cast<const float4*>(gram + static_cast<std::size_t>(d) * v.class_stride);
        const float4 low = row[0];
        const float4 high = row[1];
        sum[0] = fmaf(share, low.x, sum[0]);
        sum[1] = fmaf(share, low.y, sum[1]);
        sum[2] = fmaf(share, low.z, sum[2]);
        sum[3] = fmaf(share, low.w, sum[3]);
        sum[4] = fmaf(share, high.x, sum[4]);
        sum[5] = fmaf(share, high.y, sum[5]);
        sum[6] = fmaf(share, high.z, sum[6]);
        sum[7] = fmaf(share, high.w, sum[7]);
      }
      const bool norms = v.whole_gram == nullptr || pass == 1;
      ALFAMIX_UNROLLED
      for (std::uint32_t i = 0; i < kGainBlock; ++i) {
        if (first + i >= v.classes) break;
        if (pass == 0) w.u[(first + i) * w.stride + r] = sum[i];
        if (norms) gradient2 = fmaf(q[(first + i) * w.stride], sum[i], gradient2);
      }
    }
  }
  w.gradient2[part * w.stride + r] = gradient2;
}

__device__ inline float GradientNorm2(const FlipWork& w, std::uint32_t r) {
  float sum = 0;
  for (std::uint32_t part = 0; part < w.parts; ++part) sum += w.gradient2[part * w.stride + r];
  return sum;
}

// The first flip along a ray, and how far rounding may have moved it.
struct FlipStep {
  float at = INFINITY;
  float lowest = INFINITY;
  float highest = INFINITY;
  std::int32_t to = -1;

  // Class c leads by `lead` and gains by `gain`.
  __device__ __forceinline__ void Meet(std::int32_t c, float lead, float gain, float logit_error,
                                       float gain_error) {
    const float step = gain > 0 ? lead / gain : INFINITY;
    if (step < at) {
      at = step;
      to = c;
    }
    const float up = gain + gain_error;
    if (up > 0) lowest = fminf(lowest, (lead - logit_error) / up);
    const float down = gain - gain_error;
    if (down > 0) highest = fminf(highest, (lead + logit_error) / down);
  }
};

__device__ __forceinline__ float DistanceError(float norms, float product) {
  return fmaf(fabsf(product), kAlignedDistanceError, norms * kDistanceError);
}

__device__ __forceinline__ bool LengthIsSafe(float length2) {
  return length2 > kLeastLength2 && kMostLength2 > length2;
}

// Row r's flip where it shares no value with a single anchor: only the farthest one can give the smallest
// cap. False where float32 can't vouch for it.
__device__ inline bool FarthestAnchor(const FlipView v, const FlipWork w, std::uint32_t r,
                                      const FlipDeviceOutput& out, std::uint64_t to) {
  const float norm2 = w.norm2[r];
  float far = -INFINITY;
  float runner_up = -INFINITY;
  float far_product = 0;
  std::int32_t anchor = 0;
  for (std::uint32_t k = 0; k < v.anchors; ++k) {
    const float product = w.lanes[(v.classes + k) * w.stride + r];
    const float distance2 = fmaf(product, -2.0f, norm2 + v.anchor_norm2[k]);
    if (distance2 > far) {
      runner_up = far;
      far = distance2;
      far_product = product;
      anchor = static_cast<std::int32_t>(k);
    } else if (distance2 != far && distance2 > runner_up) {
      runner_up = distance2;
    }
  }
  const std::int32_t label = w.label[r];
  const float logit_error = w.logit_error[r];
  const float label_u = w.u[label * w.stride + r];
  const float gain_error = kGainError * v.gram_max * (w.state[r] == kRowUnshared ? 3.0f : 1.0f);
  FlipStep step;
  for (std::uint32_t c = 0; c < v.classes; ++c) {
    if (static_cast<std::int32_t>(c) == label) continue;
    step.Meet(static_cast<std::int32_t>(c), w.label_logit[r] - w.lanes[c * w.stride + r],
              w.u[c * w.stride + r] - label_u, logit_error, gain_error);
  }
  const float gradient2 = GradientNorm2(w, r);
  const float scale = v.sqrt_dim * (sqrtf(gradient2) / sqrtf(far));
  const float cap = step.at * scale;
  const float distance_error = DistanceError(norm2 + v.anchor_norm2_max, far_product);
  const float relative = gain_error / gradient2 + distance_error / far;
  const float error = fmaf(cap, relative, scale * fmaxf(step.highest - step.at, step.at - step.lowest));
  out.flip_cap[to] = cap;
  out.flip_anchor[to] = anchor;
  out.flip_to[to] = step.to;
  // Written so that NaN fails.
  return fmaf(cap, kBandRelative, kBandAbsolute) > error && far - runner_up > distance_error &&
         LengthIsSafe(gradient2) && LengthIsSafe(far);
}

}  // namespace alfamix::cuda
