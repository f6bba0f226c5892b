#include "bench/report.h"

namespace alfamix::bench {

namespace {

// At least this many times as fast as PyTorch, where it was measured.
constexpr double kTimesTorch = 3;

struct Verdict {
  bool known, yes;
};

Verdict AtLeast(double share, double least) { return {share > 0, share >= least}; }

Verdict OfGoal(Goal goal, const Ceilings& ceilings, const Shares& shares) {
  switch (goal) {
    case Goal::kNone:
      return {false, false};
    case Goal::kCopy70:
      return AtLeast(shares.copy, 0.7);
    case Goal::kCopy35:
      return AtLeast(shares.copy, 0.35);
    case Goal::kProduct:
      // Float32 results of three TF32 products each reach at most a third of TF32's rate, so that rate is no
      // measure; what cuBLAS makes of float32 is. Without cuBLAS there is none.
      if (ceilings.lower_bound) return {false, false};
      return AtLeast(shares.float32, 0.7);
    case Goal::kFloat32:
      if (ceilings.lower_bound) return {false, false};
      return AtLeast(shares.float32, 0.5);
    case Goal::kPinned80:
      return AtLeast(shares.pinned, 0.8);
  }
  return {false, false};
}

}  // namespace

Shares SharesOf(const Report& report, const CaseResult& result) {
  Shares shares;
  const Measurement& measurement = result.measurement;
  if (report.stand_in || !result.status.ok() || result.skipped || measurement.times.median <= 0)
    return shares;
  const double seconds = measurement.times.median / 1e3;
  const auto share = [&](double amount, double rate) { return rate > 0 ? amount / seconds / rate : 0; };
  // A whole call moves its bytes over the bus: that is its ceiling, not the device's memory.
  if (measurement.timed != Timed::kWholeCall)
    shares.copy = share(measurement.work.bytes, report.ceilings.copy);
  shares.float32 = share(measurement.work.operations, report.ceilings.float32);
  shares.tf32 = share(measurement.work.operations, report.ceilings.tf32);
  if (measurement.timed == Timed::kWholeCall)
    shares.pinned = share(measurement.work.bus_bytes, report.ceilings.pinned);
  shares.torch = result.torch_milliseconds / measurement.times.median;
  return shares;
}

Reached GoalReached(const Report& report, const CaseResult& result) {
  if (report.stand_in || report.setup.size != Size::kFull || !result.status.ok() || result.skipped)
    return Reached::kUnknown;
  const Shares shares = SharesOf(report, result);
  const Verdict verdict = OfGoal(result.of->goal, report.ceilings, shares);
  if (shares.torch > 0 && shares.torch < kTimesTorch) return Reached::kNo;
  if (!verdict.known) return Reached::kUnknown;
  return verdict.yes ? Reached::kYes : Reached::kNo;
}

Reached GoalsReached(const Report& report) {
  Reached all = Reached::kUnknown;
  for (const CaseResult& result : report.results) {
    const Reached one = GoalReached(report, result);
    if (one == Reached::kNo) return Reached::kNo;
    if (one == Reached::kYes) all = Reached::kYes;
  }
  return all;
}

const char* GoalText(Goal goal) {
  switch (goal) {
    case Goal::kNone:
      return "";
    case Goal::kCopy70:
      return "70 % of the copy";
    case Goal::kCopy35:
      return "35 % of the copy";
    case Goal::kProduct:
      return "70 % of float32";
    case Goal::kFloat32:
      return "50 % of float32";
    case Goal::kPinned80:
      return "80 % of page-locked";
  }
  return "";
}

}  // namespace alfamix::bench
