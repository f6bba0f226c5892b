// Opens the plug-in as the addon does. Where there is no driver it must load all the same, name the driver in
// its reason, and every function must end in kCudaUnavailable with nothing written; where there is a device
// the self-test must pass.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "cuda/abi.h"

namespace alfamix {
namespace {

int failures = 0;

void Expect(bool holds, const char* what) {
  std::printf("%s %s\n", holds ? "ok    " : "FAILED", what);
  if (!holds) ++failures;
}

// Small valid problems of every kernel, and outputs that remember whether anything was written to them.
constexpr std::uint32_t kRows = 6, kDim = 5, kClasses = 3, kAnchors = 2;

struct Inputs {
  Inputs() : data(kRows * kDim), weight(kClasses * kDim), bias(kClasses), index(kRows, 1), labels(kRows, 0) {
    float next = 0.3f;
    for (auto* values : {&data, &weight, &bias}) {
      for (float& x : *values) x = next = 3.7f * next * (1 - next);
    }
  }
  std::vector<float> data, weight, bias;
  std::vector<std::int32_t> index, labels;
};

struct Poisoned {
  Poisoned() { std::memset(bytes, 0xAB, sizeof bytes); }
  template <typename T>
  T* At(int slot) {
    return reinterpret_cast<T*>(bytes + slot * 1024);
  }
  bool Untouched() const {
    for (const unsigned char byte : bytes) {
      if (byte != 0xAB) return false;
    }
    return true;
  }
  alignas(16) unsigned char bytes[8 * 1024];
};

// Calls `run(out, status)` on poisoned outputs.
template <typename Run>
void ExpectUnavailable(const char* name, Run&& run) {
  Poisoned out;
  Status status;
  run(out, &status);
  std::printf("       %s: %s\n", name, status.text);
  Expect(status.code == Code::kCudaUnavailable && status.text[0] != '\0', "says that CUDA is unavailable");
  Expect(out.Untouched(), "writes nothing");
}

void CheckWithoutDevice(const CudaPlugin& plugin) {
  const Inputs in;
  const JobOptions options;
  RowSource pool;
  pool.data = in.data.data();
  pool.rows = kRows;
  pool.dim = kDim;
  ExpectUnavailable("selfTest", [&](Poisoned&, Status* status) { plugin.self_test(status); });
  ExpectUnavailable("flipSearch", [&](Poisoned& out, Status* status) {
    const FlipSearchParams params = {pool,     in.weight.data(), in.bias.data(),
                                     kClasses, in.data.data(),   kAnchors};
    const FlipSearchOutput values = {out.At<std::int32_t>(0), out.At<float>(1), out.At<float>(2),
                                     out.At<float>(3),        out.At<float>(4), out.At<std::int32_t>(5),
                                     out.At<std::int32_t>(6)};
    plugin.flip_search(&params, &values, &options, status);
  });
  ExpectUnavailable("scoreUncertainty", [&](Poisoned& out, Status* status) {
    const ScoreUncertaintyParams params = {pool, in.weight.data(), in.bias.data(), kClasses};
    const UncertaintyScores values = {out.At<std::int32_t>(0), out.At<float>(1), out.At<float>(2),
                                      out.At<float>(3)};
    plugin.score_uncertainty(&params, &values, &options, status);
  });
  ExpectUnavailable("interpolate", [&](Poisoned& out, Status* status) {
    const InterpolateParams params = {in.data.data(), kRows,           kDim,           in.data.data(),
                                      kAnchors,       in.index.data(), in.data.data(), in.weight.data(),
                                      in.bias.data(), kClasses};
    const InterpolateOutput values = {out.At<float>(0), out.At<float>(1)};
    plugin.interpolate(&params, &values, &options, status);
  });
  ExpectUnavailable("pseudoLabelGradient", [&](Poisoned& out, Status* status) {
    const PseudoLabelGradientParams params = {in.data.data(), kRows,    kDim, in.weight.data(),
                                              in.bias.data(), kClasses, false};
    const PseudoLabelGradientOutput values = {out.At<float>(0), out.At<std::int32_t>(1)};
    plugin.pseudo_label_gradient(&params, &values, &options, status);
  });
  ExpectUnavailable("closedFormAlpha", [&](Poisoned& out, Status* status) {
    const ClosedFormAlphaParams params = {in.data.data(),  kRows,          kDim, in.data.data(), kAnchors,
                                          in.index.data(), in.data.data(), 0.2,  nullptr};
    plugin.closed_form_alpha(&params, out.At<float>(0), &options, status);
  });
  ExpectUnavailable("kCenterGreedy", [&](Poisoned& out, Status* status) {
    const KCenterGreedyParams params = {in.data.data(), kRows, kDim, in.data.data(), 1, 2};
    const PickedRows picks = {out.At<std::int32_t>(0), out.At<double>(1)};
    plugin.k_center_greedy(&params, &picks, &options, status);
  });
  ExpectUnavailable("kmeansPlusPlus", [&](Poisoned& out, Status* status) {
    const KMeansPlusPlusParams params = {in.data.data(), kRows, kDim, nullptr, 0, 2, false, 1};
    const PickedRows picks = {out.At<std::int32_t>(0), out.At<double>(1)};
    plugin.kmeans_plus_plus(&params, &picks, &options, status);
  });
  ExpectUnavailable("kmeans", [&](Poisoned& out, Status* status) {
    KMeansParams params;
    params.data = in.data.data();
    params.rows = kRows;
    params.dim = kDim;
    params.clusters = 2;
    KMeansOutput values;
    values.labels = out.At<std::int32_t>(0);
    values.centers = out.At<float>(1);
    plugin.kmeans(&params, &values, &options, status);
  });
  ExpectUnavailable("nearestMembers", [&](Poisoned& out, Status* status) {
    NearestMembersParams params;
    params.data = in.data.data();
    params.rows = kRows;
    params.dim = kDim;
    params.centers = in.data.data();
    params.clusters = 2;
    params.labels = in.labels.data();
    plugin.nearest_members(&params, out.At<std::int32_t>(0), &options, status);
  });
}

using Entry = const CudaPlugin* (*)(std::uint32_t abi);

int Main(const char* path, bool device_wanted) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  Expect(library != nullptr, "the plug-in loads");
  if (library == nullptr) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  const auto entry = reinterpret_cast<Entry>(dlsym(library, "alfamix_cuda_plugin"));
  Expect(entry != nullptr, "it exports alfamix_cuda_plugin");
  if (entry == nullptr) return 1;
  Expect(entry(kCudaAbi + 1) == nullptr, "another ABI gets nothing");
  const CudaPlugin* const plugin = entry(kCudaAbi);
  Expect(plugin != nullptr && plugin->abi == kCudaAbi, "this ABI gets the table");
  if (plugin == nullptr) return 1;
  CudaDescription description;
  plugin->describe(&description);
  std::printf("driver %d, runtime %d, %d devices; %s\n", description.driver, description.runtime,
              description.device_count,
              description.device < 0 ? description.reason : description.devices[description.device].name);
  Expect(description.runtime >= 12000, "it has its CUDA runtime inside");
  if (device_wanted) Expect(description.device >= 0, "there is a device it can use");
  if (description.device < 0) {
    Expect(std::strstr(description.reason, "driver") != nullptr, "the reason names the driver");
    CheckWithoutDevice(*plugin);
  } else {
    Status status;
    plugin->self_test(&status);
    Expect(status.ok(), status.ok() ? "the self-test passes" : status.text);
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace alfamix

int main(int argc, char** argv) {
  const bool device_wanted = argc == 3 && std::strcmp(argv[2], "--device") == 0;
  if (argc != 2 && !device_wanted) {
    std::fprintf(stderr, "expected the path of the plug-in, and --device where there must be one\n");
    return 2;
  }
  return alfamix::Main(argv[1], device_wanted);
}
