#include "cuda/kernels.h"

namespace alfamix::cuda {

Status NearestMembers(const NearestMembersParams&, std::int32_t*, const JobOptions&) {
  return Status::Error(Code::kInternal, "not there yet");
}

}  // namespace alfamix::cuda
