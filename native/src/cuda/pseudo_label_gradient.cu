#include "cuda/kernels.h"

namespace alfamix::cuda {

Status PseudoLabelGradient(const PseudoLabelGradientParams&, const PseudoLabelGradientOutput&,
                           const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
