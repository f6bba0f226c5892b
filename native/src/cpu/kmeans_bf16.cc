#include "cpu/kmeans_bf16.h"

namespace alfamix {

#ifdef ALFAMIX_BF16
const Bf16Table* Bf16At(const LevelTable& level) {
  return &level == &kAvx512Bf16Table ? &kKMeansBf16Table : nullptr;
}
#else
const Bf16Table* Bf16At(const LevelTable&) { return nullptr; }
#endif

}  // namespace alfamix
