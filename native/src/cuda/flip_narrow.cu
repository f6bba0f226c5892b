// The scan where all columns fit one panel: each warp has 32 rows of its own and all columns. Memory-bound up
// to some twenty columns: the ring keeps more than 100 KB under way to each multiprocessor, or 70 where a
// block has less than that.
#include "cuda/flip_kernel_of.cuh"

namespace alfamix::cuda {

const FlipKernel* NarrowFlipKernel(std::uint32_t columns, std::size_t shared_bytes) {
  // The best first.
  static const FlipKernel kernels[] = {
      FlipKernelOf<TileShape<8, 1, 2, 1, 4>>(), FlipKernelOf<TileShape<8, 1, 2, 2, 4>>(),
      FlipKernelOf<TileShape<8, 1, 2, 3, 4>>(), FlipKernelOf<TileShape<8, 1, 2, 4, 3>>(),
      FlipKernelOf<TileShape<8, 1, 2, 6, 3>>(), FlipKernelOf<TileShape<8, 1, 2, 3, 2>>(),
      FlipKernelOf<TileShape<8, 1, 2, 6, 2>>()};
  for (const FlipKernel& kernel : kernels) {
    if (columns <= kernel.columns && kernel.ring_bytes <= shared_bytes) return &kernel;
  }
  return nullptr;
}

}  // namespace alfamix::cuda
