// The native tests' own few lines: TEST registers a function, CHECK counts a failure and goes on.
#pragma once

#include <cstdint>
#include <cstdio>

namespace alfamix::test {

struct Registration {
  Registration(const char* name, void (*body)());
};

void ReportFailure(const char* file, int line, const char* expression, const char* why = "");

// For tests that want other random inputs every time: from the clock, or ALFAMIX_TEST_SEED. Printed when it
// is first asked for, so that a failure can be had again.
std::uint64_t Seed();

}  // namespace alfamix::test

#define TEST(name)                                                             \
  static void name();                                                          \
  static const ::alfamix::test::Registration registration_##name(#name, name); \
  static void name()

// A call's Status: a failure says why.
#define CHECK_OK(...)                                                                                \
  do {                                                                                               \
    const auto& checked_status = (__VA_ARGS__);                                                      \
    if (!checked_status.ok()) {                                                                      \
      ::alfamix::test::ReportFailure(__FILE__, __LINE__, #__VA_ARGS__ ".ok()", checked_status.text); \
    }                                                                                                \
  } while (false)

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) ::alfamix::test::ReportFailure(__FILE__, __LINE__, #condition); \
  } while (false)
