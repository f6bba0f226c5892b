// What CUDA finds on this machine, and whether the plug-in can run here.
#pragma once

#include "cuda/abi.h"

namespace alfamix::cuda {

// Fills every field; never throws. No driver, no device and a device that is too old are answers, not errors.
void Describe(CudaDescription* out);

}  // namespace alfamix::cuda
