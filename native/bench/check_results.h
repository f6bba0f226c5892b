// What a timed kernel computed, at the size it was timed at, against double precision: some hundred rows of
// all, among them the first and the last and those where the values' number outgrows 31 and 32 bits.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/flip_search.h"
#include "kernels/status.h"

namespace alfamix::bench {

// Increasing, each once.
std::vector<std::uint64_t> RowsToCheck(std::uint64_t rows, std::uint32_t dim);

// One row and what was found for it.
struct FoundFlip {
  std::vector<float> row;
  std::int32_t pseudo_label = 0, flip_anchor = 0, flip_to = 0;
  float confidence = 0, margin = 0, entropy = 0, flip_cap = 0;
};

// Labels as FlipRow's, caps within 1e-5 + 1e-4 cap, scores within 2e-5. params: head and anchors; with none
// the flips are not looked at. rows[i]: the number of found[i] in the pool.
Status CheckFlips(const FlipSearchParams& params, const std::vector<std::uint64_t>& rows,
                  const std::vector<FoundFlip>& found);

// No center is nearer than the label's, but for a near-tie. data: M x D; labels: M; centers: K x D.
Status CheckLabels(const float* data, std::uint64_t rows, std::uint32_t dim, const std::int32_t* labels,
                   const float* centers, std::uint32_t clusters);

}  // namespace alfamix::bench
