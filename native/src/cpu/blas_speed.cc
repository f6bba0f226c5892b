#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>

#include "cpu/blas.h"
#include "cpu/buffer.h"
#include "cpu/level_table.h"
#include "cpu/levels.h"
#include "cpu/panels.h"

namespace alfamix {

namespace {

constexpr int kRuns = 5;
// The block that decides for a level: some 10 ms at the slowest.
constexpr int kRows = 128;
constexpr std::uint32_t kDim = 256, kColumns = 256;
constexpr double kFaster = 2;
// Smaller products leave BLAS nothing to win.
constexpr std::uint32_t kLeastDim = 32, kLeastColumns = 32;

double BestSeconds(const std::function<void()>& work) {
  double best = INFINITY;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  return best;
}

bool IsNamed() {
  const char* asked = std::getenv("ALFAMIX_BLAS");
  return asked != nullptr && *asked != '\0' && std::strcmp(asked, "off") != 0;
}

}  // namespace

ProductRates MeasureProduct(int level, int rows, std::uint32_t dim, std::uint32_t columns) {
  const LevelTable& table = *LevelAt(level).table;
  const std::size_t n = static_cast<std::size_t>(rows);
  const Buffer<float> z(n * dim), matrix(std::size_t{columns} * dim);
  for (std::size_t i = 0; i < n * dim; ++i) z[i] = static_cast<float>(i % 17) - 8.0f;
  for (std::size_t i = 0; i < std::size_t{columns} * dim; ++i) matrix[i] = static_cast<float>(i % 13) - 6.0f;
  PackedPanels packed(table, dim, columns);
  for (std::uint32_t c = 0; c < columns; ++c) packed.Set(c, matrix.get() + std::size_t{c} * dim);
  const Panels& panels = packed.panels();
  const Buffer<float> out(n * panels.padded);
  const double flops = 2.0 * rows * dim * columns;
  ProductRates rates;
  rates.own = flops / BestSeconds([&] {
                for (int r = 0; r < rows; r += kBlockRows) {
                  table.product(&panels, z.get() + std::size_t{dim} * r, std::min(kBlockRows, rows - r),
                                out.get() + std::size_t{panels.padded} * r);
                }
              });
  if (const Blas* blas = Blas::Find()) {
    rates.blas =
        flops / BestSeconds([&] { blas->Product(z.get(), rows, dim, matrix.get(), columns, out.get()); });
  }
  return rates;
}

const Blas* FasterBlas(int level, std::uint32_t dim, std::uint32_t columns) {
  if (dim < kLeastDim || columns < kLeastColumns) return nullptr;
  // Only one that was asked for: the bits of the logits are then that library's.
  if (!IsNamed()) return nullptr;
  constexpr int kMostLevels = 8;
  static std::once_flag measured[kMostLevels];
  static bool faster[kMostLevels];
  if (level >= kMostLevels) return nullptr;
  std::call_once(measured[level], [&] {
    if (Blas::Find() == nullptr) return;
    const ProductRates rates = MeasureProduct(level, kRows, kDim, kColumns);
    faster[level] = rates.blas >= kFaster * rates.own;
  });
  return faster[level] ? Blas::Find() : nullptr;
}

}  // namespace alfamix
