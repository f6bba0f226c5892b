// Starting a kernel, written so that the same source also compiles where native/test/simt stands in for the
// CUDA toolkit.
#pragma once

#include "cuda/device.h"

namespace alfamix::cuda {

struct Grid {
  unsigned blocks;
  unsigned threads;              // of a block
  std::size_t shared_bytes = 0;  // of a block, beside what the kernel declares itself
};

// Dynamic shared memory above 48 KB has to be asked for, kernel by kernel and device by device.
template <typename... Parameters, typename... Arguments>
void Launch(void (*kernel)(Parameters...), const char* name, const Grid& grid, const Stream& stream,
            Arguments... arguments) {
  if (grid.shared_bytes > 48 * 1024)
    Check(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                               cudaFuncAttributeMaxDynamicSharedMemorySize,
                               static_cast<int>(grid.shared_bytes)),
          name);
#if defined(__CUDACC__)
  kernel<<<grid.blocks, grid.threads, grid.shared_bytes, stream.get()>>>(
      static_cast<Parameters>(arguments)...);
#else
  simt::Launch(kernel, grid.blocks, grid.threads, grid.shared_bytes, stream.get(),
               static_cast<Parameters>(arguments)...);
#endif
  CheckLaunch(name);
}

}  // namespace alfamix::cuda
