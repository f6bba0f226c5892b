// The kernels when the device fails them: a typed error, nothing held, and the next call works.
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "check.h"
#include "cuda/kernels.h"
#include "cuda_runtime.h"
#include "random_rows.h"

namespace alfamix {
namespace {

using test::RandomRows;
using test::WithLooks;

constexpr std::uint64_t kRows = 160;
constexpr std::uint32_t kDim = 3001;  // for k-means++; the others take the first values as shorter rows
constexpr std::uint32_t kShortDim = 37;

// One input for all, long enough rows for k-means++ to ask the device.
struct Inputs {
  std::vector<float> data, anchors, alpha, weight, bias;
  std::vector<std::int32_t> index;
  std::vector<float> floats, logits;
  std::vector<std::int32_t> rows;
  std::vector<double> distance2;

  Inputs() : floats(kRows * kDim), logits(kRows * 2), rows(kRows), distance2(kRows) {
    RandomRows random;
    data = random.Uniform(kRows * kDim);
    for (std::uint64_t i = 0; i < kRows; ++i)
      for (std::uint32_t j = 0; j < kDim; ++j) data[i * kDim + j] /= static_cast<float>(1 + i);
    anchors = random.Uniform(2 * kDim);
    alpha = random.Uniform(kRows * kDim);
    weight = random.Uniform(2 * kDim);
    bias = random.Uniform(2);
    index = random.Index(kRows, 0, 1);
  }
};

template <typename Params>
Params Common(const Inputs& in, std::uint32_t dim = kShortDim) {
  Params params;
  params.data = in.data.data();
  params.rows = kRows;
  params.dim = dim;
  return params;
}

Status Interpolate(Inputs& in) {
  auto params = Common<InterpolateParams>(in);
  params.anchors = in.anchors.data();
  params.anchor_count = 2;
  params.anchor_index = in.index.data();
  params.alpha = in.alpha.data();
  params.weight = in.weight.data();
  params.bias = in.bias.data();
  params.classes = 2;
  return cuda::Interpolate(params, {in.floats.data(), in.logits.data()}, WithLooks(nullptr));
}

Status ClosedFormAlpha(Inputs& in) {
  auto params = Common<ClosedFormAlphaParams>(in);
  params.anchors = in.anchors.data();
  params.anchor_count = 2;
  params.anchor_index = in.index.data();
  params.gradient = in.alpha.data();
  params.cap = 0.1;
  return cuda::ClosedFormAlpha(params, in.floats.data(), WithLooks(nullptr));
}

Status NearestMembers(Inputs& in) {
  auto params = Common<NearestMembersParams>(in);
  params.centers = in.anchors.data();
  params.clusters = 2;
  params.labels = in.index.data();
  return cuda::NearestMembers(params, in.rows.data(), WithLooks(nullptr));
}

Status KCenterGreedy(Inputs& in) {
  auto params = Common<KCenterGreedyParams>(in);
  params.centers = in.anchors.data();
  params.center_count = 2;
  params.budget = 3;
  return cuda::KCenterGreedy(params, {in.rows.data(), in.distance2.data()}, WithLooks(nullptr));
}

Status KMeansPlusPlus(Inputs& in) {
  auto params = Common<KMeansPlusPlusParams>(in, kDim);
  params.factors = in.data.data();
  params.factor_dim = 3;
  params.clusters = 60;
  params.seed = 5;
  return cuda::KMeansPlusPlus(params, {in.rows.data(), in.distance2.data()}, WithLooks(nullptr));
}

FlipSearchParams Search(const Inputs& in) {
  FlipSearchParams params;
  params.pool.data = in.data.data();
  params.pool.rows = kRows;
  params.pool.dim = kShortDim;
  params.weight = in.weight.data();
  params.bias = in.bias.data();
  params.classes = 2;
  params.anchors = in.anchors.data();
  params.anchor_count = 2;
  return params;
}

Status FlipSearch(Inputs& in) {
  float* const f = in.floats.data();
  std::int32_t* const i = in.rows.data();
  return cuda::FlipSearch(Search(in), {i, f, f + kRows, f + 2 * kRows, f + 3 * kRows, i, i},
                          WithLooks(nullptr));
}

Status PseudoLabelGradient(Inputs& in) {
  auto params = Common<PseudoLabelGradientParams>(in);
  params.weight = in.weight.data();
  params.bias = in.bias.data();
  params.classes = 2;
  return cuda::PseudoLabelGradient(params, {in.floats.data(), in.rows.data()}, WithLooks(nullptr));
}

using Kernel = Status (*)(Inputs&);
constexpr Kernel kKernels[] = {Interpolate,    ClosedFormAlpha, NearestMembers,     KCenterGreedy,
                               KMeansPlusPlus, FlipSearch,      PseudoLabelGradient};

// Lets the first, second ... call of a kind fail until there are no more; how many there were.
int FailEach(Kernel kernel, const char* kind, Code code, int step) {
  Inputs in;
  for (int nth = 1;; nth += step) {
    simt::Configure((std::string(kind) + "=" + std::to_string(nth)).c_str());
    const Status status = kernel(in);
    CHECK(simt::BytesInUse() == 0);
    if (status.ok()) return nth - 1;
    CHECK(status.code == code);
    CHECK(kernel(in).ok());
    if (nth > 10000) return nth;
  }
}

TEST(NoMemory) {
  for (const Kernel kernel : kKernels) {
    CHECK(FailEach(kernel, "malloc", Code::kOutOfMemory, 1) > 0);
    CHECK(FailEach(kernel, "host", Code::kOutOfMemory, 1) > 0);
  }
}

TEST(ALostDevice) {
  for (const Kernel kernel : kKernels) CHECK(FailEach(kernel, "launch", Code::kCudaUnavailable, 5) > 0);
}

TEST(TooManyRowsSaysHowMuchIsNeeded) {
  Inputs in;
  auto params = Common<KCenterGreedyParams>(in, kDim);
  params.budget = 1;
  const PickedRows output{in.rows.data(), in.distance2.data()};
  simt::Configure("memory=1");
  const Status status = cuda::KCenterGreedy(params, output, WithLooks(nullptr));
  CHECK(status.code == Code::kOutOfMemory);
  CHECK(std::strcmp(status.text, "expected 2 MB free on the device for 160 rows, found 1 MB") == 0);
  simt::Configure("");
  CHECK(cuda::KCenterGreedy(params, output, WithLooks(nullptr)).ok());
}

// Where the driver is gone the arguments are still looked at first.
TEST(NoDriver) {
  Inputs in;
  simt::Configure("driver=0");
  for (const Kernel kernel : kKernels) {
    const Status status = kernel(in);
    CHECK(status.code == Code::kCudaUnavailable && std::strstr(status.text, "driver") != nullptr);
  }
  in.index[7] = 2;
  for (const Kernel kernel : {Interpolate, ClosedFormAlpha, NearestMembers}) {
    CHECK(kernel(in).code == Code::kInvalidArgument);
    CHECK(kernel(in).row == 7);
  }
  simt::Configure("");
}

}  // namespace
}  // namespace alfamix
