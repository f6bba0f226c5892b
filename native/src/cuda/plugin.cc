// The plug-in's one symbol and the table behind it.
#include "cuda/abi.h"
#include "cuda/description.h"
#include "cuda/kernels.h"

#ifndef ALFAMIX_VERSION
#error "ALFAMIX_VERSION is the package's version"
#endif

namespace alfamix::cuda {
namespace {

const CudaPlugin kPlugin = {
    kCudaAbi,
    ALFAMIX_VERSION,
    [](CudaDescription* out) { Describe(out); },
    [](Status* status) { *status = cuda::SelfTest(JobOptions()); },
    [](const FlipSearchParams* params, const FlipSearchOutput* output, const JobOptions* options,
       Status* status) { *status = cuda::FlipSearch(*params, *output, *options); },
    [](const ScoreUncertaintyParams* params, const UncertaintyScores* output, const JobOptions* options,
       Status* status) { *status = cuda::ScoreUncertainty(*params, *output, *options); },
    [](const InterpolateParams* params, const InterpolateOutput* output, const JobOptions* options,
       Status* status) { *status = cuda::Interpolate(*params, *output, *options); },
    [](const PseudoLabelGradientParams* params, const PseudoLabelGradientOutput* output,
       const JobOptions* options,
       Status* status) { *status = cuda::PseudoLabelGradient(*params, *output, *options); },
    [](const ClosedFormAlphaParams* params, float* alpha, const JobOptions* options, Status* status) {
      *status = cuda::ClosedFormAlpha(*params, alpha, *options);
    },
    [](const KCenterGreedyParams* params, const PickedRows* output, const JobOptions* options,
       Status* status) { *status = cuda::KCenterGreedy(*params, *output, *options); },
    [](const KMeansPlusPlusParams* params, const PickedRows* output, const JobOptions* options,
       Status* status) { *status = cuda::KMeansPlusPlus(*params, *output, *options); },
    [](const KMeansParams* params, KMeansOutput* output, const JobOptions* options, Status* status) {
      *status = cuda::KMeans(*params, *output, *options);
    },
    [](const NearestMembersParams* params, std::int32_t* members, const JobOptions* options, Status* status) {
      *status = cuda::NearestMembers(*params, members, *options);
    },
};

}  // namespace
}  // namespace alfamix::cuda

const alfamix::CudaPlugin* alfamix_cuda_plugin(std::uint32_t abi) {
  return abi == alfamix::kCudaAbi ? &alfamix::cuda::kPlugin : nullptr;
}
