// What the benchmark found, as a table for people and as JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "bench/cases.h"
#include "bench/ceilings.h"
#include "cuda/abi.h"

namespace alfamix::bench {

struct CaseResult {
  const Case* of = nullptr;
  Status status;
  bool skipped = false;  // no time left
  Measurement measurement;
  double torch_milliseconds = 0;  // of the same problem in PyTorch, in the same run; 0: not measured
};

struct Report {
  CudaDescription description;
  Setup setup;
  bool stand_in = false;  // times and shares say nothing
  Ceilings ceilings;
  std::vector<CaseResult> results;
};

// The shares of one case; 0: it can't be said, as on a stand-in.
struct Shares {
  double copy = 0, float32 = 0, tf32 = 0, pinned = 0, torch = 0;
};
Shares SharesOf(const Report& report, const CaseResult& result);

// kUnknown: there is no goal, or what it is compared with was not measured, or the problem was made smaller.
enum class Reached { kUnknown, kYes, kNo };
Reached GoalReached(const Report& report, const CaseResult& result);
// kNo: one was missed. kYes: one was reached and none missed.
Reached GoalsReached(const Report& report);
const char* GoalText(Goal goal);

void PrintTable(const Report& report);
std::string ToJson(const Report& report);

}  // namespace alfamix::bench
