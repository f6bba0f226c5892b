// What this device can do at most, measured: the other side of every share in the report.
#pragma once

#include "bench/measure.h"

namespace alfamix::bench {

// Bytes and operations a second; 0: not measured.
struct Ceilings {
  double copy = 0;     // device to device, bytes read plus bytes written
  double pinned = 0;   // page-locked host memory to the device
  double float32 = 0;  // matrix product
  double tf32 = 0;
  // Without cuBLAS float32 is that of a plain product of our own: a lower bound, its shares too high.
  bool lower_bound = false;
};

// Inside a Guarded body.
Ceilings MeasureCeilings(const Setup& setup);

}  // namespace alfamix::bench
