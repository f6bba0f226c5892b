#include "cuda/kernels.h"

namespace alfamix::cuda {

Status FlipSearch(const FlipSearchParams&, const FlipSearchOutput&, const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
