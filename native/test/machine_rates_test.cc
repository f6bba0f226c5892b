#include "kernels/machine_rates.h"

#include "check.h"
#include "cpu/levels.h"

namespace alfamix {
namespace {

JobOptions Options(int level, int threads) {
  JobOptions options;
  options.level = level;
  options.threads = threads;
  return options;
}

TEST(EveryLevelReadsAndMultiplies) {
  for (int level = 0; level < LevelCount(); ++level) {
    MachineRates rates;
    CHECK(MeasureMachine({1 << 22, 0.001}, rates, Options(level, 2)).ok());
    // Slower than any machine that runs this, faster than none.
    CHECK(rates.read_bytes > 1e7 && rates.read_bytes < 1e14);
    CHECK(rates.multiply_flops > 1e6 && rates.multiply_flops < 1e15);
  }
}

TEST(TooLittleToReadIsRefused) {
  MachineRates rates;
  CHECK(MeasureMachine({1000, 0.001}, rates, Options(0, 1)).code == Code::kInvalidArgument);
  CHECK(MeasureMachine({1 << 20, 11}, rates, Options(0, 1)).code == Code::kInvalidArgument);
}

TEST(AnAbortEndsIt) {
  MachineRates rates;
  JobOptions options = Options(0, 2);
  options.progress = [](void*, std::uint64_t, std::uint64_t) { return false; };
  CHECK(MeasureMachine({1 << 22, 10}, rates, options).code == Code::kAborted);
}

}  // namespace
}  // namespace alfamix
