// The flip search's problems, which the benchmark and native/bench/torch_flip_search.py both time.
#pragma once

#include <cstdint>

#include "bench/data.h"

namespace alfamix::bench {

struct FlipShape {
  const char* name;
  std::uint64_t full_rows, smoke_rows;
  std::uint32_t dim, classes, anchors;
  Values values;
};

inline constexpr FlipShape kFlipShapes[] = {
    {"flipSearch", 4000000, 70, 768, 10, 10, Values::kUniform},
    {"flipSearch/relu", 4000000, 70, 768, 10, 10, Values::kRelu},
    {"flipSearch/100", 1000000, 70, 768, 100, 100, Values::kUniform},
    {"scoreUncertainty", 4000000, 70, 768, 10, 0, Values::kUniform},
};

std::uint64_t FlipRows(const Setup& setup, const FlipShape& shape);

}  // namespace alfamix::bench
