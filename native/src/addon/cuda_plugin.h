// The CUDA plug-in, a shared library beside the addon: opened, compared, and where a kernel call goes.
#pragma once

#include <string>
#include <type_traits>

#include "cuda/abi.h"

namespace alfamix::addon {

// A plug-in that was opened, or why it wasn't.
struct OpenedCuda {
  const CudaPlugin* plugin = nullptr;
  std::string reason;
};

// Opens the library, which stays for the life of the process. Loading runs its code and may take a while:
// on a pool thread.
OpenedCuda OpenCuda(const char* path);

// The plug-in that jobs of level "cuda" run on: the one used last. Null before.
const CudaPlugin* CudaInUse();
void UseCuda(const CudaPlugin* plugin);

// Runs a kernel where the job wants it: `cpu`, or the plug-in's function of the same name.
template <typename Cpu, typename Cuda, typename Params, typename Output>
Status RunKernel(Cpu& cpu, Cuda CudaPlugin::*cuda, const Params& params, Output& output,
                 const JobOptions& options) {
  if (options.cuda == nullptr) return cpu(params, output, options);
  Status status;
  if constexpr (std::is_pointer_v<Output>) {
    (options.cuda->*cuda)(&params, output, &options, &status);
  } else {
    (options.cuda->*cuda)(&params, &output, &options, &status);
  }
  return status;
}

}  // namespace alfamix::addon
