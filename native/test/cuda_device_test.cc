// The plug-in's dealings with the device, on the host stand-in: what is there, what fails, what is freed.
#include "check.h"
#include "cuda/abi.h"
#include "cuda/kernels.h"
#include "cuda_runtime.h"

#include <cstring>
#include <string>

namespace alfamix {
namespace {

CudaDescription Describe() {
  CudaDescription description;
  alfamix_cuda_plugin(kCudaAbi)->describe(&description);
  return description;
}

Status SelfTest() {
  Status status;
  alfamix_cuda_plugin(kCudaAbi)->self_test(&status);
  return status;
}

TEST(OtherAbisGetNothing) {
  CHECK(alfamix_cuda_plugin(kCudaAbi + 1) == nullptr);
  CHECK(alfamix_cuda_plugin(kCudaAbi)->abi == kCudaAbi);
}

TEST(NoDriverNoDeviceOldDevice) {
  simt::Configure("driver=0");
  CHECK(Describe().device == -1);
  CHECK(std::strstr(Describe().reason, "no NVIDIA driver") != nullptr);
  CHECK(SelfTest().code == Code::kCudaUnavailable);
  CHECK(std::strstr(SelfTest().text, "driver") != nullptr);
  simt::Configure("devices=0");
  CHECK(std::strstr(Describe().reason, "no CUDA device") != nullptr);
  CHECK(SelfTest().code == Code::kCudaUnavailable);
  simt::Configure("sm=75");
  CHECK(std::strstr(Describe().reason, "7.5") != nullptr);
  CHECK(SelfTest().code == Code::kCudaUnavailable);
}

TEST(DescribesTheDevice) {
  simt::Configure("sm=90,memory=64");
  const CudaDescription description = Describe();
  CHECK(description.device == 0 && description.device_count == 1);
  CHECK(description.devices[0].major == 9 && description.devices[0].memory_bytes == 64u << 20);
  CHECK(description.reason[0] == '\0');
}

TEST(ComputesRight) {
  for (const char* order : {"order=forward", "order=reverse"}) {
    simt::Configure(order);
    CHECK(SelfTest().ok());
  }
}

TEST(FailuresAreTypedAndTheNextCallWorks) {
  for (const char* kind : {"malloc=1", "malloc=2", "malloc=3"}) {
    simt::Configure(kind);
    CHECK(SelfTest().code == Code::kOutOfMemory);
    CHECK(simt::BytesInUse() == 0);
    CHECK(SelfTest().ok());
  }
  simt::Configure("launch=1");
  const Status lost = SelfTest();
  CHECK(lost.code == Code::kCudaUnavailable);
  CHECK(std::strstr(lost.text, "lost") != nullptr);
  CHECK(simt::BytesInUse() == 0);
  CHECK(SelfTest().ok());
}

}  // namespace
}  // namespace alfamix
