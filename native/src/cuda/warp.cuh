// What kernels use of the machine below C++: lanes, shuffles, asynchronous copies into shared memory and TF32
// products of a warp. native/test/simt has the same functions for the host.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace alfamix::cuda {

constexpr unsigned kWarp = 32;
constexpr unsigned kAll = 0xffffffffu;

#if defined(__CUDACC__)

#define ALFAMIX_UNROLLED _Pragma("unroll")

// The block's dynamic shared memory.
__device__ __forceinline__ unsigned char* SharedMemory() {
  extern __shared__ __align__(128) unsigned char alfamix_shared[];
  return alfamix_shared;
}

// Copies 16 (or 4) bytes to shared memory behind the program's back; zeros from `valid` bytes on. Addresses
// are aligned to the size. There after the CopyWait that leaves fewer groups open than were closed since.
__device__ __forceinline__ void CopyAsync16(void* shared, const void* global, unsigned valid) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(valid) : "memory");
}
__device__ __forceinline__ void CopyAsync4(void* shared, const void* global, unsigned valid) {
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(global), "r"(valid) : "memory");
}
__device__ __forceinline__ void CopyCommit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most kOpen of this thread's groups are under way.
template <int kOpen>
__device__ __forceinline__ void CopyWait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kOpen) : "memory");
}

// d += a . b for a 16 x 8 and an 8 x 8 tile of TF32 values. With g = lane / 4 and t = lane % 4 a lane holds
// a = A[g][t], A[g + 8][t], A[g][t + 4], A[g + 8][t + 4], b = B[t][g], B[t + 4][g] and
// d = D[g][2t], D[g][2t + 1], D[g + 8][2t], D[g + 8][2t + 1].
__device__ __forceinline__ void MultiplyTf32(float (&d)[4], const std::uint32_t (&a)[4],
                                             const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#else

#define ALFAMIX_UNROLLED

using simt::CopyAsync16;
using simt::CopyAsync4;
using simt::CopyCommit;
using simt::CopyWait;
using simt::MultiplyTf32;
using simt::SharedMemory;

#endif

__device__ __forceinline__ unsigned Lane() { return threadIdx.x % kWarp; }

__device__ __forceinline__ float SumOfWarp(float x) {
  for (int offset = 16; offset > 0; offset /= 2) x += __shfl_xor_sync(kAll, x, offset);
  return x;
}

}  // namespace alfamix::cuda
