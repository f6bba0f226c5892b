#include "cuda/kernels.h"

namespace alfamix::cuda {

Status Interpolate(const InterpolateParams&, const InterpolateOutput&, const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
