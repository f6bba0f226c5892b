// From cublas_api.h, which is the same in CUDA 12 and 13. A copy of a few lines instead of the header: the
// plug-in builds where only the compiler is installed. native/test/cublas_constants_check.cc compares, where
// the header is.
#pragma once

namespace alfamix::cuda {

constexpr int kOpN = 0;                // CUBLAS_OP_N
constexpr int kOpT = 1;                // CUBLAS_OP_T
constexpr int kRealFloat32 = 0;        // CUDA_R_32F
constexpr int kCompute32F = 68;        // CUBLAS_COMPUTE_32F
constexpr int kCompute32FTf32 = 77;    // CUBLAS_COMPUTE_32F_FAST_TF32
constexpr int kDefaultAlgorithm = -1;  // CUBLAS_GEMM_DEFAULT
constexpr int kMajorVersion = 0;       // MAJOR_VERSION
constexpr int kMinorVersion = 1;       // MINOR_VERSION
constexpr int kPatchLevel = 2;         // PATCH_LEVEL

}  // namespace alfamix::cuda
