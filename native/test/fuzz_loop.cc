// Stands in for libFuzzer: calls the target with bytes of a fixed generator, ALFAMIX_FUZZ_RUNS x 3000 times.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main() {
  const char* times = std::getenv("ALFAMIX_FUZZ_RUNS");
  const long runs = 3000 * (times == nullptr ? 1 : std::atol(times));
  std::mt19937_64 random(20220314);
  for (long run = 0; run < runs; ++run) {
    std::vector<std::uint8_t> bytes(random() % 600);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%ld cases\n", runs);
  return runs > 0 ? 0 : 1;
}
