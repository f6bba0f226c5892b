// k-means on a device that has too little memory, or fails: a typed error, everything freed, and the next
// call works.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "cuda/kernels.h"
#include "cuda_runtime.h"

namespace alfamix {
namespace {

struct Problem {
  std::vector<float> data = std::vector<float>(90 * 5);
  std::vector<std::int32_t> labels = std::vector<std::int32_t>(90);
  std::vector<float> centers = std::vector<float>(7 * 5);
  KMeansParams params;

  Problem() {
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i * 37 % 101);
    params.data = data.data();
    params.rows = 90;
    params.dim = 5;
    params.clusters = 7;
  }

  Status Run() {
    KMeansOutput output;
    output.labels = labels.data();
    output.centers = centers.data();
    const Status status = cuda::KMeans(params, output, JobOptions());
    CHECK(simt::BytesInUse() == 0);
    return status;
  }
};

TEST(EveryFailedAllocationIsOutOfMemory) {
  Problem problem;
  int failed = 0;
  for (int at = 1;; ++at) {
    simt::Configure(("malloc=" + std::to_string(at)).c_str());
    const Status status = problem.Run();
    if (status.ok()) break;
    CHECK(status.code == Code::kOutOfMemory);
    if (at % 8 == 0) CHECK(problem.Run().ok());
    ++failed;
  }
  CHECK(failed > 20);
  for (int at = 1; at < 12; at += 5) {
    simt::Configure(("host=" + std::to_string(at)).c_str());
    CHECK(problem.Run().code == Code::kOutOfMemory);
    CHECK(problem.Run().ok());
  }
}

TEST(TooLittleMemoryIsSaidBeforehand) {
  Problem problem;
  simt::Configure("memory=1");
  problem.params.dim = 1;
  CHECK(problem.Run().ok());
  std::vector<float> data(20000 * 16);
  problem.params.data = data.data();
  problem.params.rows = 20000;
  problem.params.dim = 16;
  const Status status = problem.Run();
  CHECK(status.code == Code::kOutOfMemory);
  CHECK(std::strstr(status.text, "20000 rows of 16 values needs") != nullptr);
  CHECK(std::strstr(status.text, "1 MB are free") != nullptr);
}

TEST(ALostDeviceIsSaid) {
  Problem problem;
  for (int at = 1; at < 40; at += 6) {
    simt::Configure(("launch=" + std::to_string(at)).c_str());
    CHECK(problem.Run().code == Code::kCudaUnavailable);
    CHECK(problem.Run().ok());
  }
}

}  // namespace
}  // namespace alfamix
