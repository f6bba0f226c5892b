#include "cpu/kmeans_seeding.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cpu/buffer.h"
#include "cpu/kmeans_bf16.h"
#include "cpu/kmeans_columns.h"
#include "cpu/panels.h"
#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

// Rows whose weights are summed together, in row order, before the sums are added: the same in TypeScript.
constexpr std::uint64_t kSumBlock = 1024;
// Seeds taken from a batch, and candidates drawn for each: the same in TypeScript.
constexpr std::uint32_t kBatchSeeds = 8;
constexpr std::uint32_t kCandidatesASeed = 8;
static_assert(kBatchSeeds * kCandidatesASeed <= kMostCaptured);
// Gains are sums of float32 over a packed block at most.
constexpr double kSumSlack = 1 + 1e-4;

// The candidates in bfloat16, and how far products with them may be off.
struct Bf16Points {
  Bf16Panels panels{};

  void Set(const float* points, const float* shift, std::uint32_t count, std::uint32_t dim) {
    const std::uint32_t padded = PackedPanels::RoundUp(count, 16);
    panels.pairs = (dim + 1) / 2;
    panels.padded = padded;
    data_.assign(std::size_t{panels.pairs} * padded, 0u);
    longest_ = farthest_ = 0;
    for (std::uint32_t t = 0; t < count; ++t, points += dim) {
      const std::uint32_t first = t / kBf16Panel * kBf16Panel;
      const std::uint32_t width = std::min(kBf16Panel, padded - first);
      std::uint32_t* to = data_.data() + std::size_t{first} * panels.pairs + (t - first);
      double norm2 = 0;
      double error2 = 0;
      for (std::uint32_t j = 0; j < dim; ++j) {
        const float x = points[j] - shift[j];
        const std::uint32_t bits = Round(x);
        const double off = static_cast<double>(x) - static_cast<double>(Widen(bits));
        norm2 += static_cast<double>(x) * static_cast<double>(x);
        error2 += off * off;
        to[std::size_t{j / 2} * width] |= bits << (j % 2 * 16);
      }
      longest_ = std::max(longest_, std::sqrt(norm2));
      farthest_ = std::max(farthest_, std::sqrt(error2));
    }
    panels.data = data_.data();
  }

  // Of a row of that norm, rounded by the root of `error2`: |x - x'| |c| + |x'| |c - c'|; tiny products are
  // flushed to 0.
  double Error(float norm, float error2) const {
    const double off = std::sqrt(static_cast<double>(error2)) * 1.0001;
    return (off * longest_ + (static_cast<double>(norm) + off) * farthest_) * 1.0001 +
           2.4e-38 * 2 * panels.pairs;
  }

 private:
  static std::uint32_t Round(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof(bits));
    return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  }
  static float Widen(std::uint32_t bits) {
    bits <<= 16;
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
  }

  std::vector<std::uint32_t> data_;
  double longest_ = 0;   // max |c|
  double farthest_ = 0;  // max |c - c'|
};

class Seeding {
 public:
  Seeding(const KMeansRows& rows, std::uint32_t clusters, KMeansProgress& progress)
      : rows_(rows),
        clusters_(clusters),
        progress_(progress),
        closest_(rows.size()),
        captured_(rows.size()),
        columns_(rows, kMostCaptured, false),
        bf16_(rows.level().bf16),
        slots_(static_cast<std::size_t>(rows.threads())),
        sums_((rows.size() + kSumBlock - 1) / kSumBlock),
        parts_(sums_.size()) {
    for (Slot& slot : slots_) {
      slot.packed = Buffer<float>(rows.block_floats());
      slot.gains = Buffer<float>(kMostCaptured + rows.level().panel_width);
      slot.row = Buffer<float>(rows.dim());
    }
  }

  std::vector<std::uint64_t> Run(Rng& rng) {
    progress_.BeginPart(0.5, clusters_);
    chosen_.push_back(rng.Below(rows_.size()));
    if (!MeasureFirst()) return {};
    while (chosen_.size() < clusters_) {
      const std::size_t before = chosen_.size();
      const double total = SumWeights();
      if (!(total > 0)) {
        chosen_.push_back(rng.Below(rows_.size()));
      } else {
        const auto left = clusters_ - static_cast<std::uint32_t>(chosen_.size());
        const std::uint32_t seeds = std::min({kBatchSeeds, left, static_cast<std::uint32_t>(chosen_.size())});
        Draw(seeds * kCandidatesASeed, total, rng);
        if (!Capture() || !TakeBest(seeds)) return {};
      }
      if (!progress_.Add(chosen_.size() - before)) return {};
    }
    return std::move(chosen_);
  }

 private:
  struct Slot {
    Buffer<float> packed;
    Buffer<float> gains;
    Buffer<float> row;
    double sums[kMostCaptured] = {0};
  };
  // A row whose D^2 a candidate would lower, and to what.
  struct Lowered {
    std::uint64_t row;
    double distance2;
  };
  struct Candidate {
    std::uint64_t row;
    double gain;            // no less than the gain
    std::size_t seeds = 0;  // how many there were when `gain` was summed
    std::vector<Lowered> lowered;
  };

  bool MeasureFirst() {
    std::vector<float> scratch(rows_.dim());
    const std::vector<float> seed(rows_.Row(chosen_[0], scratch.data()),
                                  rows_.Row(chosen_[0], scratch.data()) + rows_.dim());
    return ForSumBlocks([&](std::uint64_t, std::uint64_t first, std::uint64_t end, Slot& slot) {
      for (std::uint64_t i = first; i < end; ++i)
        closest_[i] = rows_.Distance2(i, seed.data(), slot.row.get());
    });
  }

  template <typename Body>
  bool ForSumBlocks(const Body& body) {
    const int threads = rows_.ThreadsFor(rows_.size(), 1);
    ThreadPool::Instance().ParallelFor(sums_.size(), threads, [&](std::uint64_t block, int slot) {
      body(block, block * kSumBlock, std::min((block + 1) * kSumBlock, rows_.size()),
           slots_[static_cast<std::size_t>(slot)]);
      return progress_.GoOn();
    });
    return !progress_.aborted();
  }

  double SumWeights() {
    double total = 0;
    for (std::uint64_t block = 0; block < sums_.size(); ++block) {
      const std::uint64_t end = std::min((block + 1) * kSumBlock, rows_.size());
      double sum = 0;
      for (std::uint64_t i = block * kSumBlock; i < end; ++i) sum += closest_[i];
      sums_[block] = sum;
      total += sum;
    }
    return total;
  }

  // Candidates, in the order drawn; a row drawn again is the same candidate.
  void Draw(std::uint32_t count, double total, Rng& rng) {
    candidates_.clear();
    for (std::uint32_t draw = 0; draw < count; ++draw) {
      const std::uint64_t row = DrawRow(rng.Uniform() * total);
      const auto same = [&](const Candidate& candidate) { return candidate.row == row; };
      if (std::none_of(candidates_.begin(), candidates_.end(), same)) candidates_.push_back({row, 0, 0, {}});
    }
  }

  // The first row at which the running sum of the weights exceeds `target`; the last row with weight if
  // rounding hides it.
  std::uint64_t DrawRow(double target) const {
    double before = 0;
    std::uint64_t last = 0;
    for (std::uint64_t block = 0; block < sums_.size(); ++block) {
      if (!(before + sums_[block] > target) && block + 1 < sums_.size()) {
        before += sums_[block];
        continue;
      }
      double running = before;
      const std::uint64_t end = std::min((block + 1) * kSumBlock, rows_.size());
      for (std::uint64_t i = block * kSumBlock; i < end; ++i) {
        running += closest_[i];
        if (closest_[i] > 0) last = i;
        if (running > target) return i;
      }
      before += sums_[block];
    }
    return last;
  }

  // Bounds of the gains, and for each row the candidates that may be nearer than its nearest seed.
  bool Capture() {
    const auto count = static_cast<std::uint32_t>(candidates_.size());
    columns_.Resize(count);
    points_.resize(std::size_t{count} * rows_.dim());
    ScoreError error(rows_, false);
    std::vector<KMeansColumns::Column> columns;
    for (std::uint32_t t = 0; t < count; ++t) {
      float* point = points_.data() + std::size_t{t} * rows_.dim();
      const float* row = rows_.Row(candidates_[t].row, point);
      if (row != point) std::memcpy(point, row, rows_.dim() * sizeof(float));
      const double half_norm = rows_.level().squared_distance(point, rows_.shift(), rows_.dim()) / 2;
      columns.push_back({t, point, half_norm, 1.0f});
      error.Include(half_norm);
    }
    columns_.Write(columns);
    if (bf16_ != nullptr) points_bf16_.Set(points_.data(), rows_.shift(), count, rows_.dim());
    for (Slot& slot : slots_) std::fill_n(slot.sums, kMostCaptured, 0.0);

    const auto size = static_cast<std::uint64_t>(rows_.block_rows());
    const int threads = rows_.ThreadsFor(rows_.size(), count);
    ThreadPool::Instance().ParallelFor(rows_.Blocks(rows_.size()), threads, [&](std::uint64_t block, int at) {
      const std::uint64_t first = block * size;
      const int n = static_cast<int>(std::min(size, rows_.size() - first));
      CaptureBlock(first, n, first + size * static_cast<std::uint64_t>(threads), error,
                   slots_[static_cast<std::size_t>(at)]);
      return progress_.GoOn();
    });
    for (std::uint32_t t = 0; t < count; ++t) {
      double sum = 0;
      for (const Slot& slot : slots_) sum += slot.sums[t];
      candidates_[t].gain = sum < HUGE_VAL ? sum * kSumSlack : HUGE_VAL;
    }
    return !progress_.aborted();
  }

  // A candidate lowers D^2 where its score exceeds (|x|^2 - D^2) / 2, by twice the difference. `extra`: how
  // far scores may be off beside the rounding of float32.
  float Threshold(std::uint64_t i, const ScoreError& error, double extra) const {
    const double norm = static_cast<double>(rows_.norm(i));
    const double slack = static_cast<double>(error.Of(i)) + 4e-7 * (norm * norm + closest_[i]);
    return static_cast<float>((norm * norm - closest_[i]) / 2 - 2 * slack - extra);
  }

  void CaptureBlock(std::uint64_t first, int n, std::uint64_t ahead_first, const ScoreError& error,
                    Slot& slot) {
    const float* next[kMostPacked];
    const AheadRows ahead = rows_.Ahead(ahead_first, rows_.size(), nullptr, next);
    float thresholds[kMostPacked];
    float* gains = slot.gains.get();
    std::fill_n(gains, columns_.panels().padded, 0.0f);
    if (bf16_ != nullptr) {
      float error2[kMostPacked];
      auto* packed = reinterpret_cast<std::uint16_t*>(slot.packed.get());
      rows_.PackBf16(*bf16_, first, n, packed, error2);
      for (int r = 0; r < n; ++r)
        thresholds[r] = Threshold(first + r, error, points_bf16_.Error(rows_.norm(first + r), error2[r]));
      bf16_->capture(&points_bf16_.panels, columns_.half_norms(), packed, n, thresholds, &ahead,
                     captured_.get() + first, gains);
    } else {
      rows_.Pack(first, nullptr, n, false, slot.packed.get());
      for (int r = 0; r < n; ++r) thresholds[r] = Threshold(first + r, error, 0);
      rows_.level().capture(&columns_.panels(), columns_.half_norms(), slot.packed.get(), n, thresholds,
                            &ahead, captured_.get() + first, gains);
    }
    for (std::uint32_t t = 0; t < columns_.panels().columns; ++t)
      slot.sums[t] += 2 * static_cast<double>(gains[t]);
  }

  bool TakeBest(std::uint32_t seeds) {
    const std::size_t end = chosen_.size() + seeds;
    while (chosen_.size() < end) {
      std::size_t best = 0;
      for (std::size_t t = 1; t < candidates_.size(); ++t) {
        if (!(candidates_[t].gain <= candidates_[best].gain)) best = t;
      }
      Candidate& candidate = candidates_[best];
      if (candidate.seeds != chosen_.size()) {
        if (candidate.seeds == 0 && !FindLowered(best)) return false;
        candidate.seeds = chosen_.size();
        SumGain(candidate);
        continue;
      }
      if (!(candidate.gain > 0)) break;
      for (const Lowered& lowered : candidate.lowered) closest_[lowered.row] = lowered.distance2;
      chosen_.push_back(candidate.row);
      candidate.gain = 0;
    }
    return true;
  }

  // In row order.
  bool FindLowered(std::size_t t) {
    const float* point = points_.data() + t * rows_.dim();
    const bool going =
        ForSumBlocks([&](std::uint64_t block, std::uint64_t first, std::uint64_t end, Slot& slot) {
          parts_[block].clear();
          for (std::uint64_t i = first; i < end; ++i) {
            if (!(captured_[i] >> t & 1)) continue;
            const double distance2 = rows_.Distance2(i, point, slot.row.get());
            if (distance2 < closest_[i]) parts_[block].push_back({i, distance2});
          }
        });
    std::vector<Lowered>& lowered = candidates_[t].lowered;
    for (const std::vector<Lowered>& part : parts_) lowered.insert(lowered.end(), part.begin(), part.end());
    return going;
  }

  // Lets go of rows that a seed taken since is nearer to.
  void SumGain(Candidate& candidate) const {
    std::vector<Lowered>& lowered = candidate.lowered;
    candidate.gain = 0;
    std::size_t kept = 0;
    for (std::size_t at = 0; at < lowered.size();) {
      const std::uint64_t end = (lowered[at].row / kSumBlock + 1) * kSumBlock;
      double sum = 0;
      for (; at < lowered.size() && lowered[at].row < end; ++at) {
        const double closest = closest_[lowered[at].row];
        if (!(lowered[at].distance2 < closest)) continue;
        sum += closest - lowered[at].distance2;
        lowered[kept++] = lowered[at];
      }
      candidate.gain += sum;
    }
    lowered.resize(kept);
  }

  const KMeansRows& rows_;
  const std::uint32_t clusters_;
  KMeansProgress& progress_;
  std::vector<std::uint64_t> chosen_;
  Buffer<double> closest_;          // D^2
  Buffer<std::uint64_t> captured_;  // bit t: candidate t may be nearer
  KMeansColumns columns_;
  const Bf16Table* bf16_;  // null: float32
  Bf16Points points_bf16_;
  std::vector<Slot> slots_;
  std::vector<double> sums_;  // of blocks
  std::vector<std::vector<Lowered>> parts_;
  std::vector<Candidate> candidates_;
  std::vector<float> points_;
};

}  // namespace

std::vector<std::uint64_t> SeedRows(const KMeansRows& rows, std::uint32_t clusters, Rng& rng,
                                    KMeansProgress& progress) {
  return Seeding(rows, clusters, progress).Run(rng);
}

}  // namespace alfamix
