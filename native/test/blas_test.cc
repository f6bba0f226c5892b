// Which BLAS is taken, by ALFAMIX_BLAS; CMakeLists.txt runs this once for each case, named in BLAS_TEST_CASE:
// a process has one answer.
#include "cpu/blas.h"

#include <cstdlib>
#include <string>

#include "check.h"
#include "cpu/levels.h"

namespace alfamix {
namespace {

bool Case(const char* name) {
  const char* asked = std::getenv("BLAS_TEST_CASE");
  return asked != nullptr && asked == std::string(name);
}

TEST(EveryCaseIsKnown) { CHECK(Case("openblas") || Case("generic") || Case("missing") || Case("off")); }

TEST(OneOfAKnownKindIsTaken) {
  if (!Case("openblas")) return;
  const Blas* blas = Blas::Find();
  CHECK(blas != nullptr);
  if (blas == nullptr) return;
  CHECK(blas->name() == "OpenBLAS");
  CHECK(blas->version() == "OpenBLAS fake");
  CHECK(blas->path().find("fake_openblas") != std::string::npos);
  // 2 x 3 rows against 4 columns of 3.
  const float rows[] = {1, 2, 3, 4, 5, 6};
  const float matrix[] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1};
  float out[8];
  blas->Product(rows, 2, 3, matrix, 4, out);
  const float expected[] = {1, 2, 3, 6, 4, 5, 6, 15};
  for (int i = 0; i < 8; ++i) CHECK(out[i] == expected[i]);
}

TEST(BothProductsAreMeasured) {
  const ProductRates rates = MeasureProduct(0, 40, 33, 70);
  CHECK(rates.own > 0);
  CHECK((rates.blas > 0) == Case("openblas"));
}

TEST(TooSmallAProductIsOurs) {
  for (int level = 0; level < LevelCount(); ++level) CHECK(FasterBlas(level, 512, 10) == nullptr);
}

TEST(OthersAreRefusedWithTheReason) {
  if (Case("openblas")) return;
  CHECK(Blas::Find() == nullptr);
  const std::string& why = Blas::WhyNone();
  if (Case("generic")) CHECK(why.find("is none of OpenBLAS, BLIS, MKL and Accelerate") != std::string::npos);
  if (Case("missing")) CHECK(why.find("nowhere") != std::string::npos);
  if (Case("off")) CHECK(why == "ALFAMIX_BLAS is off");
  for (int level = 0; level < LevelCount(); ++level) CHECK(FasterBlas(level, 512, 512) == nullptr);
}

}  // namespace
}  // namespace alfamix
