// What every kernel call takes besides its data: threads, level, and the one hook for progress and abort.
#pragma once

#include <cstdint>

namespace alfamix {

struct CudaPlugin;  // cuda/abi.h

// Reports work done out of a total, in the kernel's own unit; returning false asks the kernel to stop. Called
// often (each few milliseconds) and from any thread, never from two at once: it must be cheap and may not
// block.
using ProgressHook = bool (*)(void* context, std::uint64_t done, std::uint64_t total);

struct JobOptions {
  // Threads to use, the calling one included; at least 1. Results don't depend on it.
  int threads = 1;
  // Instruction-set level, an index into Levels() of cpu/levels.h.
  int level = 0;
  ProgressHook progress = nullptr;
  void* progress_context = nullptr;
  // The addon's note where a call is to run: the plug-in, or null for the CPU. Kernels don't look at it.
  const CudaPlugin* cuda = nullptr;
};

}  // namespace alfamix
