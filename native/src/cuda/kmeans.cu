#include "cuda/kernels.h"

namespace alfamix::cuda {

Status KMeans(const KMeansParams&, KMeansOutput&, const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
