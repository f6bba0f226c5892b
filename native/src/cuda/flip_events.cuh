// Rows that share values with anchors, one warp a row. Where z_j equals A_kj alpha is 0, so the gains toward
// anchor k lose what dimension j gave them:
//   u_k = u - W (g * (1 - m_k)) / |g|.
// The Gram matrix leaves out the dimensions where all anchors hold one value (a silent ReLU unit): a row that
// doesn't hold it there gets its part back. What is left, elements equal to some anchor's elsewhere, is taken
// away from each anchor's ray, 16 anchors and 16 classes at once.
#pragma once

#include "cuda/flip_rows.cuh"
#include "cuda/tile_product.cuh"

namespace alfamix::cuda {

// A warp's lists, D entries each. Elements that count after all stand at the end, backwards.
struct FlipEvents {
  std::uint32_t* dims;
  float* gradient;       // g at the dimension
  float* value;          // z there
  std::uint32_t* masks;  // the anchors that hold it, 32 of them at a time
  std::uint32_t shared;
  std::uint32_t unshared;
};

// Whether a row has any event. `without`: what its matches are when it has none.
__device__ inline bool HasEvents(const std::uint32_t* matches, const std::uint32_t* without,
                                 std::uint32_t words) {
  for (std::uint32_t step = 0; step < words; ++step) {
    if (matches[step] != without[step]) return true;
  }
  return false;
}

// This lane's sum of the lanes before it; all lanes' in *total.
__device__ __forceinline__ std::uint32_t SumOfLanesBefore(std::uint32_t count, std::uint32_t* total) {
  std::uint32_t sum = count;
  for (unsigned offset = 1; offset < kWarp; offset *= 2) {
    const std::uint32_t other = __shfl_up_sync(kAll, sum, offset);
    if (Lane() >= offset) sum += other;
  }
  *total = __shfl_sync(kAll, sum, kWarp - 1);
  return sum - count;
}

// Lists the row's events, 32 words of matches at a time, a word a lane.
__device__ inline void ListDims(const FlipView& v, const std::uint32_t* matches, std::uint32_t words,
                                FlipEvents* events) {
  events->shared = events->unshared = 0;
  for (std::uint32_t first = 0; first < words; first += kWarp) {
    const std::uint32_t word = first + Lane();
    const std::uint32_t one = word < words ? v.one_value_matches[word] : 0;
    const std::uint32_t match = word < words ? matches[word] : 0;
    std::uint32_t total = 0;
    std::uint32_t at = events->shared + SumOfLanesBefore(__popc(match & ~one), &total);
    for (std::uint32_t left = match & ~one; left != 0; left &= left - 1)
      events->dims[at++] =
          word * kWarp + DimOfMatchBit(static_cast<std::uint32_t>(__ffs(static_cast<int>(left))) - 1);
    events->shared += total;
    at = v.dim - 1 - events->unshared - SumOfLanesBefore(__popc(one & ~match), &total);
    for (std::uint32_t left = one & ~match; left != 0; left &= left - 1)
      events->dims[at--] =
          word * kWarp + DimOfMatchBit(static_cast<std::uint32_t>(__ffs(static_cast<int>(left))) - 1);
    events->unshared += total;
  }
  __syncwarp();
}

// Fills the lists: an event a lane. matches: the row's words; z: the row.
__device__ inline void ListEvents(const FlipView& v, const FlipWork& w, std::uint32_t r,
                                  const std::uint32_t* matches, std::uint32_t words, const float* z,
                                  FlipEvents* events) {
  ListDims(v, matches, words, events);
  const std::uint32_t count = events->shared + events->unshared;
  for (std::uint32_t i = Lane(); i < count; i += kWarp) {
    const std::uint32_t at = i < events->shared ? i : v.dim - 1 - (i - events->shared);
    const std::uint32_t j = events->dims[at];
    const auto* column =
        reinterpret_cast<const float4*>(v.centered_by_dim + static_cast<std::size_t>(j) * v.class_stride);
    const float* q = w.q + r;
    float even = 0;
    float odd = 0;
    // The table's padding is zero; q has none.
    std::uint32_t c = 0;
    for (; c + 4 <= v.classes; c += 4) {
      const float4 weight = column[c / 4];
      even = fmaf(q[c * w.stride], weight.x, even);
      odd = fmaf(q[(c + 1) * w.stride], weight.y, odd);
      even = fmaf(q[(c + 2) * w.stride], weight.z, even);
      odd = fmaf(q[(c + 3) * w.stride], weight.w, odd);
    }
    for (; c < v.classes; ++c)
      even = fmaf(q[c * w.stride], v.centered_by_dim[static_cast<std::size_t>(j) * v.class_stride + c], even);
    events->gradient[at] = even + odd;
    events->value[at] = i < events->shared ? z[j] : 0.0f;
  }
  __syncwarp();
}

// Dimensions where the row doesn't hold the anchors' one value count after all.
__device__ inline void AddUnshared(const FlipView& v, const FlipWork& w, std::uint32_t r,
                                   const FlipEvents& events) {
  if (events.unshared == 0) return;
  for (std::uint32_t c = Lane(); c < v.classes; c += kWarp) {
    float u = w.u[c * w.stride + r];
    for (std::uint32_t i = 1; i <= events.unshared; ++i) {
      const std::uint32_t at = v.dim - i;
      u = fmaf(events.gradient[at], v.centered_by_dim[std::size_t{events.dims[at]} * v.class_stride + c], u);
    }
    w.u[c * w.stride + r] = u;
  }
  __syncwarp();
}

// Bit a of masks[i]: event i's value is that of anchor k0 + a.
__device__ inline void MatchAnchors(const FlipView& v, const FlipEvents& events, std::uint32_t k0) {
  for (std::uint32_t i = Lane(); i < events.shared; i += kWarp) {
    const auto* anchors = reinterpret_cast<const float4*>(
        v.anchors_by_dim + static_cast<std::size_t>(events.dims[i]) * v.anchor_stride + k0);
    const float value = events.value[i];
    std::uint32_t mask = 0;
    for (std::uint32_t a = 0; a < kWarp / 4; ++a) {
      const float4 four = anchors[a];
      const std::uint32_t bits = (four.x == value ? 1u : 0u) | (four.y == value ? 2u : 0u) |
                                 (four.z == value ? 4u : 0u) | (four.w == value ? 8u : 0u);
      mask |= bits << (4 * a);
    }
    events.masks[i] = mask;
  }
  __syncwarp();
}

// What 16 anchors' rays lose against the label's class, for 16 classes from `first`: the matches (anchors x
// events, zeros and ones) times what each event gave (events x classes), on the tensor cores, the second
// factor in two parts as in tile_product.cuh. Element i of lost[n] is anchor g + i / 2 * 8, class first + n *
// 8
// + 2 t + i % 2. `tile`: which half of the masks.
constexpr std::uint32_t kStepClasses = 16;
__device__ inline void LostGains(const FlipView& v, const FlipEvents& events, std::int32_t label,
                                 std::uint32_t tile, std::uint32_t first, float (&lost)[2][4]) {
  const std::uint32_t g = Lane() / 4;
  const std::uint32_t t = Lane() % 4;
  constexpr std::uint32_t kOne = 0x3f800000u;
  for (std::uint32_t base = 0; base < events.shared; base += 16) {
    float part[2][4] = {};
    ALFAMIX_UNROLLED
    for (std::uint32_t step = 0; step < 2; ++step) {
      std::uint32_t a[4];
      float gave[2][2];
      ALFAMIX_UNROLLED
      for (std::uint32_t i = 0; i < 2; ++i) {
        const std::uint32_t event = base + step * 8 + i * 4 + t;
        const bool there = event < events.shared;
        const std::uint32_t at = there ? event : 0;
        const std::uint32_t mask = there ? events.masks[at] >> (tile * 16) : 0;
        const float gradient = there ? events.gradient[at] : 0.0f;
        const float* column = v.centered_by_dim + static_cast<std::size_t>(events.dims[at]) * v.class_stride;
        const float own = column[label];
        a[i * 2] = (mask >> g & 1u) != 0 ? kOne : 0u;
        a[i * 2 + 1] = (mask >> (g + 8) & 1u) != 0 ? kOne : 0u;
        ALFAMIX_UNROLLED
        for (std::uint32_t n = 0; n < 2; ++n) {
          const std::uint32_t c = first + n * 8 + g;
          gave[n][i] = c < v.class_stride ? gradient * (column[c] - own) : 0.0f;
        }
      }
      ALFAMIX_UNROLLED
      for (std::uint32_t n = 0; n < 2; ++n) {
        std::uint32_t hi[2], lo[2];
        Split(gave[n][0], &hi[0], &lo[0]);
        Split(gave[n][1], &hi[1], &lo[1]);
        MultiplyTf32(part[n], a, lo);
        MultiplyTf32(part[n], a, hi);
      }
    }
    ALFAMIX_UNROLLED
    for (std::uint32_t n = 0; n < 2; ++n) {
      ALFAMIX_UNROLLED
      for (std::uint32_t i = 0; i < 4; ++i) lost[n][i] += part[n][i];
    }
  }
}

// The first flips on the way to anchors k0 + tile * 16 + g and that + 8; the same in the four lanes of a g.
__device__ inline void StepsToAnchors(const FlipView& v, const FlipWork& w, std::uint32_t r,
                                      const FlipEvents& events, std::uint32_t tile, float gain_error,
                                      FlipStep (&steps)[2]) {
  const std::int32_t label = w.label[r];
  const float label_u = w.u[label * w.stride + r];
  for (std::uint32_t first = 0; first < v.classes; first += kStepClasses) {
    float lost[2][4] = {};
    LostGains(v, events, label, tile, first, lost);
    ALFAMIX_UNROLLED
    for (std::uint32_t n = 0; n < 2; ++n) {
      ALFAMIX_UNROLLED
      for (std::uint32_t i = 0; i < 2; ++i) {
        const std::uint32_t c = first + n * 8 + Lane() % 4 * 2 + i;
        if (c >= v.classes || static_cast<std::int32_t>(c) == label) continue;
        const float lead = w.label_logit[r] - w.lanes[c * w.stride + r];
        const float gain = w.u[c * w.stride + r] - label_u;
        steps[0].Meet(static_cast<std::int32_t>(c), lead, gain - lost[n][i], w.logit_error[r], gain_error);
        steps[1].Meet(static_cast<std::int32_t>(c), lead, gain - lost[n][2 + i], w.logit_error[r],
                      gain_error);
      }
    }
  }
  ALFAMIX_UNROLLED
  for (int half = 0; half < 2; ++half) {
    for (int offset = 1; offset < 4; offset *= 2) {
      FlipStep& own = steps[half];
      const float at = __shfl_xor_sync(kAll, own.at, offset);
      const std::int32_t to = __shfl_xor_sync(kAll, own.to, offset);
      own.lowest = fminf(own.lowest, __shfl_xor_sync(kAll, own.lowest, offset));
      own.highest = fminf(own.highest, __shfl_xor_sync(kAll, own.highest, offset));
      const bool before = to >= 0 && (own.to < 0 || to < own.to);
      if (at < own.at || (at == own.at && before)) {
        own.at = at;
        own.to = to;
      }
    }
  }
}

// The smallest cap among some anchors, and what can be said of it.
struct SmallestCap {
  float cap = INFINITY;
  float runner_up = INFINITY;
  float lowest = INFINITY;
  float highest = INFINITY;
  std::int32_t anchor = -1;
  std::int32_t to = -1;
  bool safe = true;

  __device__ void Meet(float other, std::int32_t k, std::int32_t class_to) {
    if (other < cap) {
      runner_up = cap;
      cap = other;
      anchor = k;
      to = class_to;
    } else if (other > cap) {
      runner_up = fminf(runner_up, other);
    }
  }
  // Joins the lanes' caps; of equal ones the first anchor's. In all lanes.
  __device__ void Join() {
    for (int offset = 16; offset > 0; offset /= 2) {
      const float other = __shfl_xor_sync(kAll, cap, offset);
      const std::int32_t other_anchor = __shfl_xor_sync(kAll, anchor, offset);
      const std::int32_t other_to = __shfl_xor_sync(kAll, to, offset);
      const float other_runner_up = __shfl_xor_sync(kAll, runner_up, offset);
      lowest = fminf(lowest, __shfl_xor_sync(kAll, lowest, offset));
      highest = fminf(highest, __shfl_xor_sync(kAll, highest, offset));
      const float between = other == cap ? INFINITY : fmaxf(other, cap);
      runner_up = fminf(fminf(runner_up, other_runner_up), between);
      const bool first = other_anchor >= 0 && (anchor < 0 || other_anchor < anchor);
      if (other < cap || (other == cap && first)) {
        cap = other;
        anchor = other_anchor;
        to = other_to;
      }
    }
    safe = __all_sync(kAll, safe);
  }
};

// Row r's flip over all anchors; lane 0 writes it. False (in all lanes) where float32 can't vouch for it.
__device__ inline bool AllAnchors(const FlipView& v, const FlipWork& w, std::uint32_t r,
                                  const FlipEvents& events, const FlipDeviceOutput& out, std::uint64_t to) {
  const float plain_error = kGainError * v.gram_max * (events.unshared > 0 ? 3.0f : 1.0f);
  const float gain_error = 3.0f * plain_error;
  const float gradient2 = GradientNorm2(w, r);
  const float norm2 = w.norm2[r];
  const float length = v.sqrt_dim * sqrtf(gradient2);
  SmallestCap smallest;
  for (std::uint32_t k0 = 0; k0 < v.anchor_stride; k0 += kWarp) {
    MatchAnchors(v, events, k0);
    for (std::uint32_t tile = 0; tile < 2 && k0 + tile * 16 < v.anchors; ++tile) {
      FlipStep steps[2];
      StepsToAnchors(v, w, r, events, tile, gain_error, steps);
      ALFAMIX_UNROLLED
      for (std::uint32_t half = 0; half < 2; ++half) {
        const std::uint32_t k = k0 + tile * 16 + half * 8 + Lane() / 4;
        if (k >= v.anchors || Lane() % 4 != 0) continue;
        const FlipStep& step = steps[half];
        const float product = w.lanes[(v.classes + k) * w.stride + r];
        const float norms = norm2 + v.anchor_norm2[k];
        const float distance2 = fmaf(product, -2.0f, norms);
        const float relative = plain_error / gradient2 + DistanceError(norms, product) / distance2;
        const float scale = length / sqrtf(distance2);
        // Written so that NaN fails.
        smallest.safe = smallest.safe && 0.5f > relative && LengthIsSafe(distance2) &&
                        step.at >= step.lowest && step.highest >= step.at;
        smallest.lowest = fminf(smallest.lowest, step.lowest * scale * (1.0f - relative));
        smallest.highest = fminf(smallest.highest, step.highest * scale * (1.0f + relative));
        smallest.Meet(step.at * scale, static_cast<std::int32_t>(k), step.to);
      }
    }
    __syncwarp();
  }
  smallest.Join();
  if (Lane() == 0) {
    out.flip_cap[to] = smallest.cap;
    out.flip_anchor[to] = smallest.anchor;
    out.flip_to[to] = smallest.anchor < 0 ? -1 : smallest.to;
  }
  const float cap = smallest.cap;
  const float band = fmaf(cap, kBandRelative, kBandAbsolute);
  // Written so that NaN fails.
  return smallest.safe && LengthIsSafe(gradient2) && band >= smallest.highest - cap &&
         band >= cap - smallest.lowest && smallest.runner_up - cap > 4 * kEpsilon * cap;
}

}  // namespace alfamix::cuda
