// A CUDA device on the host, in place of the toolkit's header: the plug-in's sources compile against it as
// plain C++, and its kernels run, lane by lane, where no device is.
//
// What it is strict about: shared memory and device memory begin as NaN and have their exact size (for
// AddressSanitizer); copies into shared memory arrive when they are waited for and not before; work queued on
// a stream runs when somebody waits for it; warps and blocks run in any order asked for (simt::Configure), so
// that a missing barrier shows; a barrier that not all threads reach ends the process. What it can't show:
// two lanes that race without a barrier in between where the order of lanes hides it, and speed.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __grid_constant__
#define __restrict__
// One block runs at a time.
#define __shared__ static

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct uint3 {
  unsigned x, y, z;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInitializationError = 3,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorNotReady = 600,
  cudaErrorDevicesUnavailable = 46,
  cudaErrorECCUncorrectable = 214,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorLaunchTimeout = 702,
  cudaErrorContextIsDestroyed = 709,
  cudaErrorAssert = 710,
  cudaErrorHardwareStackError = 714,
  cudaErrorIllegalInstruction = 715,
  cudaErrorMisalignedAddress = 716,
  cudaErrorInvalidAddressSpace = 717,
  cudaErrorInvalidPc = 718,
  cudaErrorLaunchFailure = 719,
  cudaErrorSystemDriverMismatch = 803,
};
enum cudaMemcpyKind {
  cudaMemcpyHostToHost,
  cudaMemcpyHostToDevice,
  cudaMemcpyDeviceToHost,
  cudaMemcpyDeviceToDevice
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16, cudaDevAttrMaxSharedMemoryPerBlockOptin = 97 };
constexpr unsigned cudaStreamNonBlocking = 1;
constexpr unsigned cudaEventDefault = 0;
constexpr unsigned cudaEventDisableTiming = 2;

struct cudaDeviceProp {
  char name[256];
  int major, minor, multiProcessorCount;
  std::size_t totalGlobalMem, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
  int l2CacheSize, regsPerMultiprocessor, maxThreadsPerMultiProcessor;
};

namespace simt {
struct StreamQueue;
struct EventMark;

struct Lane {
  uint3 thread, block;
};
extern Lane* current;
extern uint3 block_dim, grid_dim;

// "devices=1,malloc=3,launch=2,sm=90,memory=64,shared=99,order=reverse": what is there (memory in MB, shared
// memory of a block in KB), the how-manieth call fails,
// and in which order blocks and warps run. Also from ALFAMIX_SIMT, read at the first call of the runtime.
void Configure(const char* text);
// Kernels launched so far, and bytes of device memory now in use.
std::uint64_t Launches();
std::size_t BytesInUse();

// Deposits the lane's operand and returns those of the whole warp, `size` bytes apart, once all are there.
const unsigned char* Exchange(const void* operand, std::size_t size);
void Barrier();
unsigned char* SharedMemory();
void CopyAsync16(void* shared, const void* global, unsigned valid);
void CopyAsync4(void* shared, const void* global, unsigned valid);
void CopyCommit();
void CopyWaitUntil(int open);
template <int kOpen>
void CopyWait() {
  CopyWaitUntil(kOpen);
}
// Accumulates like the hardware at its worst: toward zero.
void MultiplyTf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]);

void Enqueue(StreamQueue* stream, unsigned blocks, unsigned threads, std::size_t shared_bytes,
             std::function<void()> kernel);

template <typename... Parameters>
void Launch(void (*kernel)(Parameters...), unsigned blocks, unsigned threads, std::size_t shared_bytes,
            StreamQueue* stream, Parameters... parameters) {
  Enqueue(stream, blocks, threads, shared_bytes, [=] { kernel(parameters...); });
}

template <typename T>
T FromLane(T value, unsigned lane) {
  const unsigned char* all = Exchange(&value, sizeof(T));
  T result;
  std::memcpy(&result, all + (lane & 31u) * sizeof(T), sizeof(T));
  return result;
}
unsigned LaneNumber();
}  // namespace simt

using cudaStream_t = simt::StreamQueue*;
using cudaEvent_t = simt::EventMark*;

#define threadIdx (::simt::current->thread)
#define blockIdx (::simt::current->block)
#define blockDim (::simt::block_dim)
#define gridDim (::simt::grid_dim)

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaDriverGetVersion(int* version);
cudaError_t cudaRuntimeGetVersion(int* version);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceReset();
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);
cudaError_t cudaMalloc(void** data, std::size_t bytes);
cudaError_t cudaFree(void* data);
cudaError_t cudaMallocHost(void** data, std::size_t bytes);
cudaError_t cudaFreeHost(void* data);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamQuery(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventQuery(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorString(cudaError_t error);
const char* cudaGetErrorName(cudaError_t error);
cudaError_t cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value);
template <typename Kernel>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Kernel, int, std::size_t) {
  *blocks = 1;
  return cudaSuccess;
}

inline void __syncthreads() { simt::Barrier(); }
inline void __syncwarp(unsigned = 0xffffffffu) {
  const char nothing = 0;
  simt::Exchange(&nothing, 1);
}
template <typename T>
T __shfl_sync(unsigned, T value, int lane) {
  return simt::FromLane(value, static_cast<unsigned>(lane));
}
template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return simt::FromLane(value, simt::LaneNumber() ^ static_cast<unsigned>(mask));
}
template <typename T>
T __shfl_up_sync(unsigned, T value, unsigned delta) {
  const unsigned lane = simt::LaneNumber();
  return simt::FromLane(value, lane < delta ? lane : lane - delta);
}
template <typename T>
T __shfl_down_sync(unsigned, T value, unsigned delta) {
  const unsigned lane = simt::LaneNumber();
  return simt::FromLane(value, lane + delta > 31 ? lane : lane + delta);
}
inline unsigned __ballot_sync(unsigned, int predicate) {
  const int flag = predicate != 0;
  const unsigned char* all = simt::Exchange(&flag, sizeof flag);
  unsigned bits = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    int one;
    std::memcpy(&one, all + lane * sizeof one, sizeof one);
    bits |= one != 0 ? 1u << lane : 0u;
  }
  return bits;
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == 0xffffffffu; }

inline unsigned __float_as_uint(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float __uint_as_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline int __float_as_int(float x) { return static_cast<int>(__float_as_uint(x)); }
inline float __int_as_float(int bits) { return __uint_as_float(static_cast<unsigned>(bits)); }
inline long long __double_as_longlong(double x) {
  long long bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline double __longlong_as_double(long long bits) {
  double x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
template <typename T>
T __ldg(const T* at) {
  return *at;
}
template <typename T>
T atomicAdd(T* at, std::common_type_t<T> x) {
  const T old = *at;
  *at = static_cast<T>(old + x);
  return old;
}
template <typename T>
T atomicMin(T* at, std::common_type_t<T> x) {
  const T old = *at;
  if (x < old) *at = x;
  return old;
}
template <typename T>
T atomicMax(T* at, std::common_type_t<T> x) {
  const T old = *at;
  if (x > old) *at = x;
  return old;
}
template <typename T>
T atomicOr(T* at, std::common_type_t<T> x) {
  const T old = *at;
  *at = old | x;
  return old;
}
template <typename T>
T atomicExch(T* at, std::common_type_t<T> x) {
  const T old = *at;
  *at = x;
  return old;
}
template <typename T>
T min(T a, std::common_type_t<T> b) {
  return b < a ? b : a;
}
template <typename T>
T max(T a, std::common_type_t<T> b) {
  return a < b ? b : a;
}
