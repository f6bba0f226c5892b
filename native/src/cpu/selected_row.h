// Rows by index and scaled, as k-means and the nearest members take them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace alfamix {

template <typename Params>
inline const float* SourceRow(const Params& params, std::uint64_t i) {
  const std::size_t at = params.index == nullptr ? i : static_cast<std::size_t>(params.index[i]);
  return params.data + at * params.dim;
}

// Row i as the caller means it; `scratch` has room for D values.
template <typename Params>
inline const float* SelectedRow(const Params& params, std::uint64_t i, float* scratch) {
  const float* row = SourceRow(params, i);
  if (params.scale == nullptr) return row;
  for (std::uint32_t j = 0; j < params.dim; ++j) scratch[j] = row[j] * params.scale[i];
  return scratch;
}

}  // namespace alfamix
