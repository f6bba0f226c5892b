// Random inputs, made on the device: never zeros, which hide wrong indexing and can run faster than data do.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/measure.h"
#include "cuda/device.h"

namespace alfamix::bench {

enum class Values {
  kUniform,  // in [-1, 1)
  kRelu,  // the same with its negative half at zero: two such rows coincide in a quarter of their dimensions
  kClustered,  // around one of 2,000 centers
};

// rows x dim values; another seed gives other values.
void Fill(float* out, std::uint64_t rows, std::uint32_t dim, Values values, std::uint64_t seed,
          const cuda::Stream& stream);

// The same values in host memory. Inside a Guarded body, as everything that touches the device.
std::vector<float> HostValues(std::uint64_t rows, std::uint32_t dim, Values values, std::uint64_t seed);

}  // namespace alfamix::bench
