#include "cuda/description.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>

#include "cuda/cublas.h"

namespace alfamix::cuda {

namespace {

// The oldest that has what the kernels use: TF32 products and asynchronous copies to shared memory.
constexpr int kLeastMajor = 8;

void DescribeDevice(int index, CudaDevice* out) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) {
    std::snprintf(out->name, sizeof out->name, "unknown: it doesn't answer");
    return;
  }
  std::snprintf(out->name, sizeof out->name, "%.127s", properties.name);
  out->major = properties.major;
  out->minor = properties.minor;
  out->multiprocessors = properties.multiProcessorCount;
  out->memory_bytes = properties.totalGlobalMem;
}

// Of the device that is used alone: to ask makes a context there, of some hundred megabytes.
void DescribeMemory(int index, CudaDevice* out) {
  std::size_t free = 0;
  std::size_t total = 0;
  if (cudaSetDevice(index) == cudaSuccess && cudaMemGetInfo(&free, &total) == cudaSuccess)
    out->free_bytes = free;
}

void Reason(CudaDescription* out, const char* format, const char* detail) {
  std::snprintf(out->reason, sizeof out->reason, format, detail);
}

}  // namespace

void Describe(CudaDescription* out) {
  *out = CudaDescription();
  cudaRuntimeGetVersion(&out->runtime);
  std::snprintf(out->cublas, sizeof out->cublas, "%s", DescribeCublas());
  cudaDriverGetVersion(&out->driver);
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  cudaGetLastError();
  if (error == cudaErrorInsufficientDriver && out->driver == 0)
    return Reason(out, "no NVIDIA driver was found%s", "");
  if (error == cudaErrorInsufficientDriver)
    return Reason(out, "the NVIDIA driver is older than this build's CUDA runtime (%s)",
                  cudaGetErrorString(error));
  if (error == cudaErrorNoDevice || (error == cudaSuccess && count == 0))
    return Reason(out, "the NVIDIA driver is there, but shows no CUDA device%s", "");
  if (error != cudaSuccess)
    return Reason(out, "the NVIDIA driver doesn't start: %s", cudaGetErrorString(error));
  out->device_count = count;
  for (int i = 0; i < std::min(count, kMostCudaDevices); ++i) {
    DescribeDevice(i, &out->devices[i]);
    if (out->device < 0 && out->devices[i].major >= kLeastMajor) out->device = i;
  }
  if (out->device >= 0) DescribeMemory(out->device, &out->devices[out->device]);
  cudaGetLastError();
  if (out->device < 0)
    std::snprintf(out->reason, sizeof out->reason,
                  "the driver shows no device of compute capability 8.0 or later: %s has %d.%d",
                  out->devices[0].name, out->devices[0].major, out->devices[0].minor);
}

}  // namespace alfamix::cuda
