#include "cuda/kernels.h"

namespace alfamix::cuda {

Status ClosedFormAlpha(const ClosedFormAlphaParams&, float*, const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
