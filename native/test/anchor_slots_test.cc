// Every value of an anchor is found in its dimension, and nothing else.
#include "cpu/anchor_slots.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "check.h"
#include "cpu/levels.h"

namespace alfamix {
namespace {

std::uint32_t BitsOf(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

// As the levels look a value up.
bool Finds(const AnchorSlots& slots, std::uint32_t slot_count, std::uint32_t j, float x) {
  const std::uint32_t count = slots.one ? 16 : slot_count;
  int shift = 32;
  for (std::uint32_t n = count; n > 1; n /= 2) --shift;
  for (std::uint32_t i = 0; i < slots.tables; ++i) {
    const std::uint32_t multiplier = slots.multipliers[std::size_t{j} * slots.tables + i];
    const float* table = slots.values + (std::size_t{j} * slots.tables + i) * count;
    if (table[BitsOf(x) * multiplier >> shift] == x) return true;
  }
  return false;
}

void CheckAll(const std::vector<float>& anchors, std::uint32_t count, std::uint32_t dim) {
  for (int level = 0; level < LevelCount(); ++level) {
    const LevelTable& table = *LevelAt(level).table;
    const PackedAnchorSlots packed(table, anchors.data(), count, dim);
    const AnchorSlots slots = packed.slots();
    for (std::uint32_t j = 0; j < dim; ++j) {
      std::set<float> values;
      for (std::uint32_t k = 0; k < count; ++k) values.insert(anchors[std::size_t{k} * dim + j]);
      for (const float x : values) {
        CHECK(Finds(slots, table.slots, j, x));
        if (x == 0) {
          CHECK(Finds(slots, table.slots, j, 0.0f));
          CHECK(Finds(slots, table.slots, j, -0.0f));
        }
        for (const float near : {std::nextafter(x, 9e9f), std::nextafter(x, -9e9f), -x, x * 2})
          CHECK(Finds(slots, table.slots, j, near) == (values.count(near) > 0));
      }
      CHECK(!Finds(slots, table.slots, j, std::nanf("")));
    }
  }
}

TEST(FindsExactlyTheAnchorsValues) {
  std::uint64_t state = 1;
  const auto next = [&state] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state >> 33);
  };
  for (const std::uint32_t count : {1u, 2u, 10u, 12u, 13u, 31u, 32u, 33u, 100u, 400u}) {
    for (const int kind : {0, 1, 2, 3}) {
      const std::uint32_t dim = 23;
      std::vector<float> anchors(count * dim);
      for (float& x : anchors) {
        const auto value = static_cast<float>(next() % 1000003) / 500000 - 1;
        x = kind == 0   ? value
            : kind == 1 ? std::round(4 * value) / 4
            : kind == 2 ? std::fmax(value, 0.0f)
                        : 0;
        if (kind == 2 && x == 0 && next() % 2 == 0) x = -0.0f;
        // Values whose low bits are all zero, as those of a widened bfloat16 are.
        if (kind == 3) {
          const std::uint32_t bits = BitsOf(value) & 0xffff0000u;
          std::memcpy(&x, &bits, sizeof x);
        }
      }
      CheckAll(anchors, count, dim);
    }
  }
}

}  // namespace
}  // namespace alfamix
