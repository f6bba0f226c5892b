#include "cuda/kernels.h"

namespace alfamix::cuda {

Status ScoreUncertainty(const ScoreUncertaintyParams&, const UncertaintyScores&, const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
