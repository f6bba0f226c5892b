#include "cuda/kernels.h"

namespace alfamix::cuda {

Status KCenterGreedy(const KCenterGreedyParams&, const PickedRows&, const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
