// The scan with many columns: 128 rows at a time, panel after panel of up to 128 columns; the width that
// wastes the fewest.
#include "cuda/flip_kernel_of.cuh"

namespace alfamix::cuda {

const FlipKernel* WideFlipKernel(std::uint32_t columns, std::size_t shared_bytes) {
  static const FlipKernel kernels[] = {FlipKernelOf<TileShape<4, 2, 2, 8, 3>>(),
                                       FlipKernelOf<TileShape<4, 2, 2, 7, 3>>(),
                                       FlipKernelOf<TileShape<4, 2, 2, 6, 3>>()};
  const auto padded = [&](const FlipKernel& kernel) {
    return (columns + kernel.columns - 1) / kernel.columns * kernel.columns;
  };
  const FlipKernel* best = nullptr;
  for (const FlipKernel& kernel : kernels) {
    if (kernel.ring_bytes > shared_bytes) continue;
    if (best == nullptr || padded(kernel) < padded(*best)) best = &kernel;
  }
  return best;
}

const FlipKernel* FlipKernelFor(std::uint32_t columns, std::size_t shared_bytes) {
  const FlipKernel* const narrow = NarrowFlipKernel(columns, shared_bytes);
  return narrow != nullptr ? narrow : WideFlipKernel(columns, shared_bytes);
}

}  // namespace alfamix::cuda
