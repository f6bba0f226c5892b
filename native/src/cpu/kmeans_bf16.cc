#include "cpu/kmeans_bf16.h"

#ifdef ALFAMIX_BF16
#include <cpuid.h>
#endif

namespace alfamix {

#ifdef ALFAMIX_BF16
namespace {

// Leaf 7, subleaf 1, EAX bit 5; that the system saves the wide registers is known where avx512 runs.
bool HasBf16() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & (1u << 5)) != 0;
}

}  // namespace

const Bf16Table* Bf16At(const LevelTable& level) {
  static const bool has = HasBf16();
  return has && &level == &kAvx512Table ? &kAvx512Bf16Table : nullptr;
}
#else
const Bf16Table* Bf16At(const LevelTable&) { return nullptr; }
#endif

}  // namespace alfamix
