#include "cpu/anchor_slots.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

namespace alfamix {

namespace {

// Sets of multipliers tried before more tables are taken; and moves of values before a set is given up.
constexpr int kTries = 2048;
constexpr int kCuckooTries = 64;
constexpr std::size_t kMovesPerValue = 8;
// The most values for which one small table is tried: one multiplier in 300 spreads twelve over 16 slots.
constexpr std::size_t kMostInOne = 12;

std::uint32_t BitsOf(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

int Log2(std::uint32_t power) {
  int log = 0;
  while (power >> (log + 1) != 0) ++log;
  return log;
}

// The different values of each dimension, as bits; zero in both its signs, which are equal.
class Keys {
 public:
  Keys(const float* anchors, std::uint32_t count, std::uint32_t dim)
      : few_(count <= kFewAnchors), stride_(std::size_t{count} + 1), bits_(stride_ * dim), counts_(dim) {
    for (std::uint32_t k = 0; k < count; ++k) {
      for (std::uint32_t j = 0; j < dim; ++j) Add(j, anchors[std::size_t{k} * dim + j]);
    }
    for (std::uint32_t j = 0; j < dim; ++j) {
      if (!few_) {
        std::uint32_t* own = bits_.get() + j * stride_;
        std::sort(own, own + counts_[j]);
        counts_[j] = static_cast<std::uint32_t>(std::unique(own, own + counts_[j]) - own);
      }
      most_ = std::max(most_, counts_[j]);
    }
  }

  std::uint32_t most() const { return most_; }
  std::uint32_t dims() const { return static_cast<std::uint32_t>(counts_.size()); }
  std::uint32_t count(std::uint32_t j) const { return counts_[j]; }
  const std::uint32_t* of(std::uint32_t j) const { return bits_.get() + j * stride_; }

 private:
  // Up to so many values are compared with each other as they come, more are sorted.
  static constexpr std::uint32_t kFewAnchors = 32;

  void Add(std::uint32_t j, float x) {
    std::uint32_t* own = bits_.get() + j * stride_;
    const std::uint32_t bits = BitsOf(x);
    if (x == 0) {
      // Both signs once, whatever comes; there is room, since at most `count` values are not this one.
      for (std::uint32_t i = 0; i < counts_[j]; ++i) {
        if (own[i] << 1 == 0) return;
      }
      own[counts_[j]++] = BitsOf(0.0f);
      own[counts_[j]++] = BitsOf(-0.0f);
      return;
    }
    for (std::uint32_t i = 0; few_ && i < counts_[j]; ++i) {
      if (own[i] == bits) return;
    }
    own[counts_[j]++] = bits;
  }

  const bool few_;
  const std::size_t stride_;
  Buffer<std::uint32_t> bits_;
  std::vector<std::uint32_t> counts_;
  std::uint32_t most_ = 0;
};

// Multipliers come from a fixed stream: the same tables every time.
class Multipliers {
 public:
  std::uint32_t Next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>(state_ >> 32);
  }

 private:
  std::uint64_t state_ = 0x9E3779B97F4A7C15u;
};

// Fills one table of 16 slots, or returns false.
bool FillOne(const std::uint32_t* keys, std::uint32_t count, Multipliers& stream, float* values,
             std::uint32_t* multiplier) {
  for (int attempt = 0; attempt < kTries; ++attempt) {
    *multiplier = stream.Next() | 1;
    // Without a branch: the sum of the slots' bits is their union when all differ.
    std::uint32_t taken = 0;
    std::uint32_t sum = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t bit = 1u << (keys[i] * *multiplier >> 28);
      taken |= bit;
      sum += bit;
    }
    if (taken != sum) continue;
    for (std::uint32_t i = 0; i < count; ++i)
      std::memcpy(values + (keys[i] * *multiplier >> 28), &keys[i], sizeof(float));
    return true;
  }
  return false;
}

// How many tables take `count` values without a long search: two hold half of their slots, three five sixths,
// more of them about nine tenths.
std::uint32_t TablesFor(std::uint32_t count, std::uint32_t slots) {
  if (count <= slots * 3 / 8) return 1;
  if (count <= slots) return 2;
  if (count <= slots * 5 / 2) return 3;
  return count * 10 / (slots * 9) + 1;
}

// Fills several tables by cuckoo hashing.
class Cuckoo {
 public:
  Cuckoo(std::uint32_t slots, std::uint32_t tables)
      : shift_(32 - Log2(slots)), slots_(slots), tables_(tables), owner_(std::size_t{tables} * slots) {}

  bool Fill(const std::uint32_t* keys, std::uint32_t count, Multipliers& stream, float* values,
            std::uint32_t* multipliers) {
    if (count > owner_.size()) return false;
    for (int attempt = 0; attempt < kCuckooTries; ++attempt) {
      for (std::uint32_t i = 0; i < tables_; ++i) multipliers[i] = stream.Next() | 1;
      if (!PlaceAll(keys, count, multipliers, stream)) continue;
      for (std::size_t slot = 0; slot < owner_.size(); ++slot) {
        if (owner_[slot] >= 0) std::memcpy(values + slot, &keys[owner_[slot]], sizeof(float));
      }
      return true;
    }
    return false;
  }

 private:
  std::int32_t& Owner(std::uint32_t table, std::uint32_t key, const std::uint32_t* multipliers) {
    return owner_[std::size_t{table} * slots_ + (key * multipliers[table] >> shift_)];
  }

  bool PlaceAll(const std::uint32_t* keys, std::uint32_t count, const std::uint32_t* multipliers,
                Multipliers& stream) {
    std::fill(owner_.begin(), owner_.end(), -1);
    std::size_t moves = kMovesPerValue * count;
    for (std::uint32_t i = 0; i < count; ++i) {
      auto value = static_cast<std::int32_t>(i);
      while (!PlaceFree(value, keys, multipliers)) {
        if (tables_ == 1 || moves-- == 0) return false;
        std::swap(value, Owner(stream.Next() % tables_, keys[value], multipliers));
      }
    }
    return true;
  }

  bool PlaceFree(std::int32_t value, const std::uint32_t* keys, const std::uint32_t* multipliers) {
    for (std::uint32_t i = 0; i < tables_; ++i) {
      std::int32_t& owner = Owner(i, keys[value], multipliers);
      if (owner >= 0) continue;
      owner = value;
      return true;
    }
    return false;
  }

  const int shift_;
  const std::uint32_t slots_;
  const std::uint32_t tables_;
  std::vector<std::int32_t> owner_;
};

}  // namespace

PackedAnchorSlots::PackedAnchorSlots(const LevelTable& level, const float* anchors, std::uint32_t count,
                                     std::uint32_t dim) {
  if (count == 0) return;
  const Keys keys(anchors, count, dim);
  one_ = keys.most() <= kMostInOne;
  if (one_) {
    Allocate(dim, 16, 1);
    Multipliers stream;
    for (std::uint32_t j = 0; j < dim && one_; ++j)
      one_ = FillOne(keys.of(j), keys.count(j), stream, values_.get() + std::size_t{j} * 16,
                     multipliers_.get() + j);
    if (one_) return;
  }
  for (std::uint32_t tables = TablesFor(keys.most(), level.slots);; ++tables) {
    Allocate(dim, level.slots, tables);
    Multipliers stream;
    Cuckoo cuckoo(level.slots, tables);
    std::uint32_t j = 0;
    for (; j < dim; ++j) {
      if (!cuckoo.Fill(keys.of(j), keys.count(j), stream,
                       values_.get() + std::size_t{j} * tables * level.slots,
                       multipliers_.get() + std::size_t{j} * tables))
        break;
    }
    if (j == dim) return;
  }
}

void PackedAnchorSlots::Allocate(std::uint32_t dim, std::uint32_t slots, std::uint32_t tables) {
  tables_ = tables;
  const std::size_t size = std::size_t{dim} * tables * slots;
  values_ = Buffer<float>(size);
  std::fill_n(values_.get(), size, std::numeric_limits<float>::quiet_NaN());
  multipliers_ = Buffer<std::uint32_t>(std::size_t{dim} * tables);
}

}  // namespace alfamix
