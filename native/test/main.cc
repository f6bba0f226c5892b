// Runs the tests of this binary: all, or those whose names contain the first argument.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "check.h"

namespace alfamix::test {
namespace {

struct Test {
  const char* name;
  void (*body)();
};

std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

std::atomic<int> failures{0};

}  // namespace

Registration::Registration(const char* name, void (*body)()) { Tests().push_back({name, body}); }

void ReportFailure(const char* file, int line, const char* expression, const char* why) {
  // A broken kernel fails a million times: the first few say it all.
  if (failures.fetch_add(1) < 20)
    std::fprintf(stderr, "%s:%d: CHECK(%s) failed%s%s\n", file, line, expression, why[0] == 0 ? "" : ": ",
                 why);
}

std::uint64_t Seed() {
  static const std::uint64_t seed = [] {
    const char* given = std::getenv("ALFAMIX_TEST_SEED");
    const std::uint64_t chosen =
        given != nullptr && given[0] != '\0'
            ? std::strtoull(given, nullptr, 10)
            : static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    std::printf("ALFAMIX_TEST_SEED=%llu\n", static_cast<unsigned long long>(chosen));
    std::fflush(stdout);
    return chosen;
  }();
  return seed;
}

int RunAll(const char* filter) {
  int passed = 0, failed = 0;
  for (const Test& test : Tests()) {
    if (std::strstr(test.name, filter) == nullptr) continue;
    failures = 0;
    const auto started = std::chrono::steady_clock::now();
    test.body();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
    std::printf("%s %s (%.0f ms)\n", failures == 0 ? "ok    " : "FAILED", test.name, took.count());
    std::fflush(stdout);
    ++(failures == 0 ? passed : failed);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace alfamix::test

int main(int argc, char** argv) { return alfamix::test::RunAll(argc > 1 ? argv[1] : ""); }
