// What a case of the benchmark is asked for, what it measures, and how it is timed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/work.h"
#include "cuda/device.h"

namespace alfamix::bench {

enum class Size { kFull, kQuick, kSmoke };

struct Setup {
  Size size = Size::kFull;
  std::size_t device_bytes = 0;  // free at the start
  std::size_t host_bytes = 0;    // of this machine
  std::size_t cache_bytes = 0;   // of the device's L2
  double seconds = 2;            // a case's time for its runs; at least three are made

  // Rows of a case: all of them, an eighth of them, or a handful; never more than fit the memory.
  std::uint64_t Rows(std::uint64_t full, std::uint64_t smoke, double device_row_bytes,
                     double host_row_bytes = 0) const;
};

struct Times {
  double median = 0;  // milliseconds
  double fastest = 0;
  double slowest = 0;
  int runs = 0;
};

enum class Timed {
  kOnDevice,    // rows on the device, by its events
  kWholeCall,   // from host memory and back, by the host's clock
  kDifference,  // of two whole calls
};

struct Measurement {
  std::string shape;
  Times times;
  Work work;
  Timed timed = Timed::kOnDevice;
  double rechecked = -1;  // share of the rows that were decided again in double; -1: not counted
};

Times Summary(std::vector<double> milliseconds);

// Queues `body(run)` between two events, as often as the time allows, after two runs that don't count;
// `prepare()` before each, outside of the time.
template <typename Body, typename Prepare>
Times TimeOnDevice(const Setup& setup, const cuda::Stream& stream, Body&& body, Prepare&& prepare) {
  const bool smoke = setup.size == Size::kSmoke;
  cuda::Event start(true), stop(true);
  std::vector<double> milliseconds;
  double spent = 0;
  for (int run = 0; run < (smoke ? 2 : 102); ++run) {
    prepare();
    start.Record(stream);
    body(run);
    stop.Record(stream);
    stop.Synchronize();
    const double took = static_cast<double>(cuda::Event::Milliseconds(start, stop));
    if (run < (smoke ? 1 : 2)) continue;
    milliseconds.push_back(took);
    spent += took;
    if (milliseconds.size() >= 3 && spent > setup.seconds * 1e3) break;
  }
  return Summary(std::move(milliseconds));
}

template <typename Body>
Times TimeOnDevice(const Setup& setup, const cuda::Stream& stream, Body&& body) {
  return TimeOnDevice(setup, stream, body, [] {});
}

// Calls `body()` until the time is used up, after one call that doesn't count.
template <typename Body>
Times TimeCalls(const Setup& setup, Body&& body) {
  const bool smoke = setup.size == Size::kSmoke;
  std::vector<double> milliseconds;
  double spent = 0;
  for (int run = 0; run < (smoke ? 1 : 21); ++run) {
    const auto started = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
    if (!smoke && run == 0) continue;
    milliseconds.push_back(took.count());
    spent += took.count();
    if (milliseconds.size() >= 3 && spent > setup.seconds * 1e3) break;
  }
  return Summary(std::move(milliseconds));
}

// Buffers to go round in so that no run finds its input in the cache: one, when it doesn't fit there anyway.
std::size_t Rotations(const Setup& setup, double input_bytes);

// "4,000,000".
std::string Grouped(std::uint64_t count);

}  // namespace alfamix::bench
