// The native tests' own few lines: TEST registers a function, CHECK counts a failure and goes on.
#pragma once

#include <cstdio>

namespace alfamix::test {

struct Registration {
  Registration(const char* name, void (*body)());
};

void ReportFailure(const char* file, int line, const char* expression);

}  // namespace alfamix::test

#define TEST(name)                                                             \
  static void name();                                                          \
  static const ::alfamix::test::Registration registration_##name(#name, name); \
  static void name()

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) ::alfamix::test::ReportFailure(__FILE__, __LINE__, #condition); \
  } while (false)
