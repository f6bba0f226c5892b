// cuda/cublas_constants.h against NVIDIA's own header, where that is installed: compiles or doesn't.
#include "cuda/cublas_constants.h"

#include <cublas_v2.h>

namespace alfamix::cuda {

static_assert(kOpN == CUBLAS_OP_N && kOpT == CUBLAS_OP_T);
static_assert(kRealFloat32 == CUDA_R_32F);
static_assert(kCompute32F == CUBLAS_COMPUTE_32F && kCompute32FTf32 == CUBLAS_COMPUTE_32F_FAST_TF32);
static_assert(kDefaultAlgorithm == CUBLAS_GEMM_DEFAULT);
static_assert(kMajorVersion == MAJOR_VERSION && kMinorVersion == MINOR_VERSION && kPatchLevel == PATCH_LEVEL);
static_assert(CUBLAS_STATUS_SUCCESS == 0);
// Passed as int through pointers of cublas.cc's own making.
static_assert(sizeof(cublasOperation_t) == sizeof(int) && sizeof(cudaDataType) == sizeof(int) &&
              sizeof(cublasComputeType_t) == sizeof(int) && sizeof(cublasGemmAlgo_t) == sizeof(int) &&
              sizeof(cublasStatus_t) == sizeof(int));
// The parameters in number and order, pointers for pointers and integers for integers.
using Product = cublasStatus_t (*)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                                   const void*, const void*, cudaDataType, int, const void*, cudaDataType,
                                   int, const void*, void*, cudaDataType, int, cublasComputeType_t,
                                   cublasGemmAlgo_t);
[[maybe_unused]] constexpr Product kProduct = &cublasGemmEx;
[[maybe_unused]] constexpr cublasStatus_t (*kCreate)(cublasHandle_t*) = &cublasCreate_v2;
[[maybe_unused]] constexpr cublasStatus_t (*kSetStream)(cublasHandle_t, cudaStream_t) = &cublasSetStream_v2;
[[maybe_unused]] constexpr cublasStatus_t (*kGetProperty)(libraryPropertyType, int*) = &cublasGetProperty;

}  // namespace alfamix::cuda
