// NVIDIA's own matrix product, opened at run time where it is installed (libcublas.so.13 or .12): nothing of
// it is linked. No kernel uses it: each of their products is fused with what follows, so that its result
// never goes to memory. `alfamix doctor` names it, and native/bench measures it, at float32 and at TF32, as
// the ceiling of the kernels' own products.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace alfamix::cuda {

// Library and its version, or why there is none. Static storage.
const char* DescribeCublas();

enum class ProductMath { kFloat32, kTf32 };

class Cublas {
 public:
  // Null where there is none.
  static Cublas* Find();
  // out = rows . columns^T: n x dim, k x dim, n x k, all row-major on the device. False when it fails.
  bool Product(const float* rows, std::int64_t n, const float* columns, std::int64_t k, std::int64_t dim,
               float* out, ProductMath math, cudaStream_t stream);

 private:
  Cublas() = default;
  void* handle_ = nullptr;
};

}  // namespace alfamix::cuda
