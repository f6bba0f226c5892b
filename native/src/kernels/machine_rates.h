// What the machine can do at best: bytes read from memory, and float32 multiply-adds, a second. Not a kernel
// but what kernels are held against: no pool scan ends sooner than its pool can be read, no product sooner
// than its multiply-adds can be done.
#pragma once

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix {

struct MachineRatesParams {
  // Of the buffer that is read over and over; far more than the caches hold, or the caches are measured.
  std::uint64_t bytes = 0;
  // Least time of each of the two measurements; the best pass counts.
  double seconds = 0;
};

struct MachineRates {
  double read_bytes = 0;      // a second
  double multiply_flops = 0;  // a second; a multiply-add counts two
};

// With options.threads threads at once, at the level's vector width. Errors: kInvalidArgument, kOutOfMemory,
// kAborted.
Status MeasureMachine(const MachineRatesParams& params, MachineRates& rates, const JobOptions& options);

}  // namespace alfamix
