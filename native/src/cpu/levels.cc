#include "cpu/levels.h"

#include <cstring>

#include "cpu/kmeans_bf16.h"
#include "cpu/level_table.h"

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

namespace alfamix {

namespace {

#if defined(__x86_64__) || defined(_M_X64)
// The CPU's word and the operating system's: it must save the wide registers too.
#if defined(_MSC_VER) && !defined(__clang__)
// `saved`: bits of XCR0; `features`: bits of EBX of leaf 7.
bool Runs(unsigned long long saved, int features) {
  int info[4];
  __cpuid(info, 1);
  const bool fma = (info[2] & (1 << 12)) != 0 && (info[2] & (1 << 29)) != 0;  // and F16C
  const bool osxsave = (info[2] & (1 << 27)) != 0;
  if (!fma || !osxsave || (_xgetbv(0) & saved) != saved) return false;
  __cpuidex(info, 7, 0);
  return (info[1] & features) == features;
}
bool RunsAvx2() { return Runs(0x06, 1 << 5); }
bool RunsAvx512() {
  constexpr int kF = 1 << 16, kDq = 1 << 17, kBw = 1 << 30, kVl = static_cast<int>(1u << 31);
  return RunsAvx2() && Runs(0xe6, kF | kDq | kBw | kVl);
}
#else
// Not every compiler's __builtin_cpu_supports knows F16C.
bool HasF16c() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1u << 29)) != 0;
}
bool RunsAvx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && HasF16c(); }
bool RunsAvx512() {
  return RunsAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

#if defined(ALFAMIX_BF16)
// CPUID leaf 7, subleaf 1: bit 5 of EAX.
bool HasBf16() {
#if defined(_MSC_VER) && !defined(__clang__)
  int info[4];
  __cpuidex(info, 7, 1);
  return (info[0] & (1 << 5)) != 0;
#else
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1u << 5)) != 0;
#endif
}
#endif
#endif

struct Available {
  Level levels[5];
  int count = 0;
  // The functions of avx512, and those in bfloat16.
  LevelTable avx512bf16 = {};

  Available() {
    levels[count++] = {"scalar", &kScalarTable};
#if defined(__x86_64__) || defined(_M_X64)
    if (RunsAvx2()) levels[count++] = {"avx2", &kAvx2Table};
    if (RunsAvx512()) levels[count++] = {"avx512", &kAvx512Table};
#if defined(ALFAMIX_BF16)
    if (RunsAvx512() && HasBf16()) {
      avx512bf16 = kAvx512Table;
      avx512bf16.bf16 = &kKMeansBf16Table;
      levels[count++] = {"avx512bf16", &avx512bf16};
    }
#endif
#elif defined(__aarch64__) || defined(_M_ARM64)
    levels[count++] = {"neon", &kNeonTable};  // part of every 64-bit Arm
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
