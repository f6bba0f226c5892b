#include "cuda/cublas.h"

#include <cstdio>

#include "cuda/cublas_constants.h"

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace alfamix::cuda {

namespace {

struct Functions {
  int (*create)(void** handle) = nullptr;
  int (*set_stream)(void* handle, cudaStream_t stream) = nullptr;
  int (*property)(int which, int* value) = nullptr;  // needs no handle, and so no context
  int (*product)(void* handle, int transa, int transb, int m, int n, int k, const void* alpha, const void* a,
                 int atype, int lda, const void* b, int btype, int ldb, const void* beta, void* c, int ctype,
                 int ldc, int compute, int algorithm) = nullptr;
  char text[160] = {0};
};

#if defined(_WIN32)
void* Open(const char*) { return nullptr; }
void* Symbol(void*, const char*) { return nullptr; }
constexpr const char* kNames[] = {""};
#else
void* Open(const char* name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }
void* Symbol(void* library, const char* name) { return dlsym(library, name); }
constexpr const char* kNames[] = {"libcublas.so.13", "libcublas.so.12"};
#endif

template <typename F>
void Load(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(Symbol(library, name));
}

Functions Search() {
  Functions found;
  for (const char* name : kNames) {
    void* const library = Open(name);
    if (library == nullptr) continue;
    Load(library, "cublasCreate_v2", found.create);
    Load(library, "cublasSetStream_v2", found.set_stream);
    Load(library, "cublasGetProperty", found.property);
    Load(library, "cublasGemmEx", found.product);
    if (found.create != nullptr && found.set_stream != nullptr && found.property != nullptr &&
        found.product != nullptr) {
      int major = 0, minor = 0, patch = 0;
      const bool known = found.property(kMajorVersion, &major) == 0 &&
                         found.property(kMinorVersion, &minor) == 0 &&
                         found.property(kPatchLevel, &patch) == 0;
      if (known) std::snprintf(found.text, sizeof found.text, "%s, %d.%d.%d", name, major, minor, patch);
      if (!known) std::snprintf(found.text, sizeof found.text, "%s", name);
      return found;
    }
  }
  found = Functions();
  std::snprintf(found.text, sizeof found.text, "neither libcublas.so.13 nor .12 was found");
  return found;
}

const Functions& Library() {
  static const Functions functions = Search();
  return functions;
}

}  // namespace

const char* DescribeCublas() { return Library().text; }

Cublas* Cublas::Find() {
  if (Library().create == nullptr) return nullptr;
  static Cublas* const found = []() -> Cublas* {
    auto* const cublas = new Cublas();
    if (Library().create(&cublas->handle_) == 0) return cublas;
    delete cublas;
    return nullptr;
  }();
  return found;
}

bool Cublas::Product(const float* rows, std::int64_t n, const float* columns, std::int64_t k,
                     std::int64_t dim, float* out, ProductMath math, cudaStream_t stream) {
  const float one = 1;
  const float zero = 0;
  // Column-major for cuBLAS: out^T (k x n) = columns (as k x dim) . rows^T.
  const int size_k = static_cast<int>(k);
  const int size_n = static_cast<int>(n);
  const int size_dim = static_cast<int>(dim);
  if (Library().set_stream(handle_, stream) != 0) return false;
  return Library().product(handle_, kOpT, kOpN, size_k, size_n, size_dim, &one, columns, kRealFloat32,
                           size_dim, rows, kRealFloat32, size_dim, &zero, out, kRealFloat32, size_k,
                           math == ProductMath::kTf32 ? kCompute32FTf32 : kCompute32F,
                           kDefaultAlgorithm) == 0;
}

}  // namespace alfamix::cuda
