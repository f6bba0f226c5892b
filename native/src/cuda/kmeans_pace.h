// Progress of a k-means on the device, in the CPU kernel's units, and how far the host may queue ahead: work
// is cut into parts of some milliseconds, and at most two of them are under way, so that an abort is heard.
#pragma once

#include <algorithm>
#include <cstdint>

#include "cpu/kmeans_progress.h"
#include "cuda/device.h"

namespace alfamix::cuda {

// Into which pieces work and memory are cut. Tests make them small.
struct KMeansSizes {
  // Sums in double of one difference squared that a launch makes, or what takes as long: below 10 ms of an
  // H100, whose conversions to double bound them.
  std::uint64_t part = std::uint64_t{1} << 33;
  // Each of the two page-locked buffers that rows pass through.
  std::uint64_t pinned_bytes = 32 << 20;
  // Values that come back from the device at a time.
  std::uint64_t copied = 1 << 20;
  // Rows that are copied together to be compared with all centers.
  std::uint32_t looked_at = 1 << 16;
  // Members of a cluster that one launch adds: some milliseconds where one cluster holds all rows.
  std::uint32_t members = 1 << 17;
};
extern KMeansSizes kmeans_sizes;

// Page-locked memory may not go while copies from or to it are under way.
struct QuietStream {
  ~QuietStream() { cudaStreamSynchronize(stream.get()); }
  const Stream& stream;
};

class KMeansPace {
 public:
  KMeansPace(const JobOptions& options, std::uint32_t tries, const Stream& stream)
      : progress_(options, tries), stream_(stream), looks_(LookAt(&progress_)), waits_(looks_, 1) {}

  KMeansProgress& progress() { return progress_; }

  void Add(std::uint64_t units) {
    if (!progress_.Add(units)) throw JobAborted{};
  }
  void Wait() const { waits_.Wait(stream_); }
  void Wait(const Event& event) const { waits_.Wait(event); }
  // Asks only.
  void Look() {
    if (!progress_.GoOn()) throw JobAborted{};
  }

  // body(first, n) queues work for items first ... first + n - 1 of `count`, each of `work` sums in double (a
  // difference squared), or what takes as long. Parts are whole granules.
  template <typename Body>
  void InParts(std::uint64_t count, std::uint64_t work, std::uint64_t granule, const Body& body) {
    const std::uint64_t most =
        std::max(kmeans_sizes.part / std::max<std::uint64_t>(work * granule, 1), std::uint64_t{1});
    for (std::uint64_t first = 0; first < count; first += most * granule) {
      const std::uint64_t n = std::min(most * granule, count - first);
      if (queued_ >= 2) waits_.Wait(events_[queued_ % 2]);
      body(first, n);
      events_[queued_++ % 2].Record(stream_);
      Look();
    }
  }

 private:
  // The device's waits ask the same hook, and report what is done.
  static JobOptions LookAt(KMeansProgress* progress) {
    JobOptions options;
    options.progress = [](void* context, std::uint64_t, std::uint64_t) {
      return static_cast<KMeansProgress*>(context)->GoOn();
    };
    options.progress_context = progress;
    return options;
  }

  KMeansProgress progress_;
  const Stream& stream_;
  const JobOptions looks_;
  const JobProgress waits_;
  Event events_[2];
  std::uint64_t queued_ = 0;
};

}  // namespace alfamix::cuda
