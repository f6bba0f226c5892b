#include "cpu/levels.h"

#include <cstring>

#include "cpu/level_table.h"

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#endif

namespace alfamix {

namespace {

#if defined(__x86_64__) || defined(_M_X64)
// The CPU's word and the operating system's: it must save the wide registers too.
bool RunsAvx2() {
#if defined(_MSC_VER) && !defined(__clang__)
  int info[4];
  __cpuid(info, 1);
  const bool fma = (info[2] & (1 << 12)) != 0;
  const bool osxsave = (info[2] & (1 << 27)) != 0;
  if (!fma || !osxsave || (_xgetbv(0) & 6) != 6) return false;
  __cpuidex(info, 7, 0);
  return (info[1] & (1 << 5)) != 0;
#else
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
}
#endif

struct Available {
  Level levels[4];
  int count = 0;

  Available() {
    levels[count++] = {"scalar", &kScalarTable};
#if defined(__x86_64__) || defined(_M_X64)
    if (RunsAvx2()) levels[count++] = {"avx2", &kAvx2Table};
#endif
  }
};

const Available& Levels() {
  static const Available available;
  return available;
}

}  // namespace

int LevelCount() { return Levels().count; }

const Level& LevelAt(int index) { return Levels().levels[index]; }

int LevelByName(const char* name) {
  for (int i = 0; i < LevelCount(); ++i) {
    if (std::strcmp(LevelAt(i).name, name) == 0) return i;
  }
  return -1;
}

}  // namespace alfamix
