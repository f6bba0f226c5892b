// A case that calls a kernel as the addon does, from host memory.
#pragma once

#include "bench/measure.h"
#include "cpu/thread_pool.h"
#include "cuda/device.h"

namespace alfamix::bench {

inline JobOptions AllThreads() {
  JobOptions options;
  options.threads = DefaultThreads();
  return options;
}

// Makes the inputs inside one guarded body, then times calls outside it: each takes the device for itself.
template <typename Make, typename Call>
Status TimeWholeCalls(const Setup& setup, Measurement* out, Make&& make, Call&& call) {
  Status status = cuda::Guarded(JobOptions(), [&] {
    make();
    return Status::Ok();
  });
  if (!status.ok()) return status;
  out->timed = Timed::kWholeCall;
  out->times = TimeCalls(setup, [&] {
    if (status.ok()) status = call();
  });
  return status;
}

}  // namespace alfamix::bench
