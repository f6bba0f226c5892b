// A BLAS that the machine has, opened at run time by name: OpenBLAS, BLIS, MKL or Accelerate; never the
// generic libblas, which may be the reference implementation. Environment variable ALFAMIX_BLAS: `off`, or
// the path of one.
//
// Only `logits` may use it (kernels/logits.h): the other kernels decide by error bounds that hold for the
// order of our own sums, and their results must not depend on a library being there.
#pragma once

#include <cstdint>
#include <string>

namespace alfamix {

class Blas {
 public:
  // The one this process has, opened by the first call; null when there is none. Stays open.
  static const Blas* Find();
  // Why Find() gives null.
  static const std::string& WhyNone();

  // out[r * columns + c] = row r . column c, of a columns x dim matrix, on the calling thread alone.
  void Product(const float* rows, int n, std::uint32_t dim, const float* matrix, std::uint32_t columns,
               float* out) const;

  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }
  const std::string& version() const { return version_; }

 private:
  friend struct BlasSearch;
  std::string name_, path_, version_;
  void (*sgemm32_)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*,
                   int) = nullptr;
  void (*sgemm64_)(int, int, int, std::int64_t, std::int64_t, std::int64_t, float, const float*, std::int64_t,
                   const float*, std::int64_t, float, float*, std::int64_t) = nullptr;
};

// Float32 operations a second of one thread: our product at a level, and BLAS's (0 without one).
struct ProductRates {
  double own = 0;
  double blas = 0;
};
// A block of `rows` x `dim` against `columns` columns, the best of several runs.
ProductRates MeasureProduct(int level, int rows, std::uint32_t dim, std::uint32_t columns);

// The BLAS that ALFAMIX_BLAS names, where a measurement, made once a level, finds it at least twice as fast
// as our own product: less could be noise. Null without the variable: a call must give the same bits whatever
// is installed.
const Blas* FasterBlas(int level, std::uint32_t dim, std::uint32_t columns);

}  // namespace alfamix
