// The benchmark's cases: one function each, found by name in Cases().
#pragma once

#include <vector>

#include "bench/measure.h"
#include "kernels/status.h"

namespace alfamix::bench {

// What a case should reach on an H100, by what is measured in the same run.
enum class Goal {
  kNone,
  kCopy70,    // 70 % of the copy's bandwidth
  kCopy35,    // half of that
  kProduct,   // 70 % of cuBLAS's float32 product's rate
  kFloat32,   // 50 % of the float32 product's rate
  kPinned80,  // 80 % of the page-locked copy's rate
};

struct Case {
  const char* name;  // the kernel, and after a slash what is special
  Goal goal;
  Status (*run)(const Setup& setup, Measurement* out);
};

// flip_cases.cc, cluster_cases.cu, row_cases.cc.
const std::vector<Case>& FlipCases();
const std::vector<Case>& ClusterCases();
const std::vector<Case>& RowCases();

}  // namespace alfamix::bench
