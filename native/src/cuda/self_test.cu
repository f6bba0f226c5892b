// One product of a warp, one reduction and one copy in either direction: a driver or device that fails here
// fails before it is trusted.
#include <cmath>
#include <cstdint>

#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/warp.cuh"

namespace alfamix::cuda {

namespace {

// out: 16 x 8 of a (16 x 8) . b (8 x 8), small integers, which TF32 holds exactly; then their sum.
__global__ void MultiplySmall(const float* a, const float* b, float* out) {
  const unsigned g = Lane() / 4;
  const unsigned t = Lane() % 4;
  float d[4] = {0, 0, 0, 0};
  const std::uint32_t x[4] = {__float_as_uint(a[g * 8 + t]), __float_as_uint(a[(g + 8) * 8 + t]),
                              __float_as_uint(a[g * 8 + t + 4]), __float_as_uint(a[(g + 8) * 8 + t + 4])};
  const std::uint32_t y[2] = {__float_as_uint(b[t * 8 + g]), __float_as_uint(b[(t + 4) * 8 + g])};
  MultiplyTf32(d, x, y);
  for (unsigned i = 0; i < 4; ++i) out[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = d[i];
  const float sum = SumOfWarp(d[0] + d[1] + d[2] + d[3]);
  if (Lane() == 0) out[128] = sum;
}

}  // namespace

Status SelfTest(const JobOptions& options) {
  return Guarded(options, [&] {
    float a[128], b[64], out[129];
    for (int i = 0; i < 128; ++i) a[i] = static_cast<float>(i * 7 % 11 - 5);
    for (int i = 0; i < 64; ++i) b[i] = static_cast<float>(i * 5 % 13 - 6);
    const Stream stream;
    const DeviceBuffer<float> device_a(128), device_b(64), device_out(129);
    CopyToDevice(device_a, a, 128, stream);
    CopyToDevice(device_b, b, 64, stream);
    Launch(MultiplySmall, "self test", {1, kWarp}, stream, device_a.get(), device_b.get(), device_out.get());
    CopyFromDevice(out, device_out.get(), 129, stream);
    stream.Synchronize();
    float sum = 0;
    bool right = true;
    for (int i = 0; i < 16; ++i) {
      for (int j = 0; j < 8; ++j) {
        float expected = 0;
        for (int k = 0; k < 8; ++k) expected += a[i * 8 + k] * b[k * 8 + j];
        right = right && out[i * 8 + j] == expected;
        sum += expected;
      }
    }
    if (right && out[128] == sum) return Status::Ok();
    return Status::Error(Code::kCudaUnavailable,
                         "the CUDA device computes wrongly: the self test's product differs");
  });
}

}  // namespace alfamix::cuda
