// A shared library for blas_test: the one function of BLAS that is used, and, with FAKE_OPENBLAS, what makes
// it OpenBLAS.
#if defined(_WIN32)
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif

EXPORT void cblas_sgemm(int, int, int, int m, int n, int k, float, const float* a, int lda, const float* b,
                        int ldb, float, float* c, int ldc) {
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int l = 0; l < k; ++l) sum += a[i * lda + l] * b[j * ldb + l];
      c[i * ldc + j] = sum;
    }
  }
}

#if defined(FAKE_OPENBLAS)
static int threads = 8;
EXPORT const char* openblas_get_config() { return "OpenBLAS fake"; }
EXPORT void openblas_set_num_threads(int count) { threads = count; }
EXPORT int openblas_get_num_threads() { return threads; }
#endif
