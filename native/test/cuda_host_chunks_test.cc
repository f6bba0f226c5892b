// Rows through the device in chunks: every byte in its place, whatever the sizes, and nothing held when a
// call fails or is aborted.
#include "cuda/host_chunks.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace alfamix {
namespace {

using cuda::ChunkInput;
using cuda::ChunkOutput;
using cuda::DeviceChunk;
using cuda::HostChunks;
using cuda::JobProgress;

// out[i] = 3 * a[i] + b[row]
void Combine(const std::uint16_t* a, const std::int32_t* b, std::uint64_t rows, unsigned width,
             std::int32_t* out) {
  for (std::uint64_t i = blockIdx.x * blockDim.x + threadIdx.x; i < rows * width; i += gridDim.x * blockDim.x)
    out[i] = 3 * a[i] + b[i / width];
}

struct Seen {
  std::uint64_t calls = 0, last = 0, total = 0, refuse_at = ~std::uint64_t{0};
  bool falling = false;
};

bool Hook(void* context, std::uint64_t done, std::uint64_t total) {
  auto& seen = *static_cast<Seen*>(context);
  seen.falling = seen.falling || done < seen.last;
  seen.last = done;
  seen.total = total;
  return ++seen.calls < seen.refuse_at;
}

struct Job {
  std::uint64_t rows;
  unsigned width;
  std::size_t chunk_bytes = HostChunks::kChunkBytes;
  std::uint64_t bad_row = ~std::uint64_t{0};  // Fill fails at it
  bool resident = false;
  Seen seen = {};
};

struct Done {
  Status status;
  std::uint64_t chunks = 0, filled = 0;
  std::vector<std::int32_t> out;
  bool right = false;
};

Done Run(Job& job) {
  const std::size_t values = job.rows * job.width;
  std::vector<std::uint16_t> a(values);
  std::vector<std::int32_t> b(job.rows);
  for (std::size_t i = 0; i < values; ++i) a[i] = static_cast<std::uint16_t>(i * 40503u >> 4);
  for (std::size_t i = 0; i < job.rows; ++i) b[i] = static_cast<std::int32_t>(i * 7 - 1000);
  Done result;
  result.out.assign(values, -123456789);
  JobOptions options;
  options.threads = 3;
  options.progress = Hook;
  options.progress_context = &job.seen;
  result.status = cuda::Guarded(options, [&] {
    cuda::DeviceBuffer<std::uint16_t> whole(job.resident ? values : 0);
    JobProgress progress(options, job.rows);
    HostChunks chunks(job.rows, {{2 * job.width, whole.get()}, {4}}, {{4 * job.width}}, options,
                      job.chunk_bytes);
    return chunks.Run(
        progress,
        [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* to) {
          CHECK(reinterpret_cast<std::uintptr_t>(to[0]) % 8 == 0);
          if (job.bad_row - first < rows) return Status::Error(Code::kIo, "cut off");
          cuda::FillFrom(a.data(), 2 * job.width, first, rows, to[0]);
          cuda::FillFrom(b.data(), 4, first, rows, to[1]);
          return Status::Ok();
        },
        [&](const DeviceChunk& chunk) {
          ++result.chunks;
          CHECK(chunk.slot < HostChunks::kSlots && chunk.rows <= chunks.chunk_rows());
          if (job.resident) CHECK(chunk.inputs[0] == whole.get() + chunk.first * job.width);
          cuda::Launch(Combine, "combine", {3, 64}, chunk.stream, chunk.Input<std::uint16_t>(0),
                       chunk.Input<std::int32_t>(1), chunk.rows, job.width, chunk.Output<std::int32_t>(0));
        },
        [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* from) {
          cuda::TakeTo(result.out.data(), 4 * job.width, first, rows, from[0]);
        });
  });
  result.right = true;
  for (std::size_t i = 0; i < values; ++i)
    result.right = result.right && result.out[i] == 3 * a[i] + b[i / job.width];
  return result;
}

TEST(EveryRowInItsPlace) {
  for (const std::uint64_t rows : {1, 3, 4, 5, 63, 1000, 4097}) {
    for (const unsigned width : {1u, 3u, 8u, 37u}) {
      for (const std::size_t chunk_bytes : {std::size_t{1}, std::size_t{9999}, HostChunks::kChunkBytes}) {
        if (chunk_bytes == 1 && rows > 100) continue;
        for (const bool resident : {false, true}) {
          Job job{rows, width, chunk_bytes};
          job.resident = resident;
          const Done done = Run(job);
          CHECK(done.status.ok());
          CHECK(done.right);
          CHECK(job.seen.last == rows && job.seen.total == rows && !job.seen.falling);
          CHECK(simt::BytesInUse() == 0);
          if (chunk_bytes == 9999 && rows > 4000) CHECK(done.chunks > HostChunks::kSlots);
        }
      }
    }
  }
}

TEST(LargeCallsAreCut) {
  Job job{30000, 9};
  const Done done = Run(job);
  CHECK(done.status.ok() && done.right);
  CHECK(done.chunks > 2 * HostChunks::kSlots - 1);
}

TEST(NothingToDo) {
  Job job{0, 5};
  CHECK(Run(job).status.ok());
}

TEST(AFailureToFillEndsIt) {
  for (const std::uint64_t bad : {0, 100, 2999}) {
    Job job{3000, 5, 999};
    job.bad_row = bad;
    const Done done = Run(job);
    CHECK(done.status.code == Code::kIo);
    CHECK(std::strcmp(done.status.text, "cut off") == 0);
    CHECK(simt::BytesInUse() == 0);
  }
}

TEST(AbortsWhereverTheHookSaysNo) {
  Job whole{3000, 5, 9999};
  CHECK(Run(whole).status.ok());
  CHECK(whole.seen.calls > 20);
  for (std::uint64_t at = 1; at < whole.seen.calls; at += 3) {
    Job job{3000, 5, 9999};
    job.seen.refuse_at = at;
    const Done done = Run(job);
    CHECK(done.status.code == Code::kAborted);
    CHECK(simt::BytesInUse() == 0);
  }
}

TEST(NoMemoryAndALostDevice) {
  for (const char* settings : {"malloc=1", "malloc=2", "host=1", "host=3", "launch=2"}) {
    simt::Configure(settings);
    Job job{3000, 5, 9999};
    const Done done = Run(job);
    CHECK(done.status.code == (settings[0] == 'l' ? Code::kCudaUnavailable : Code::kOutOfMemory));
    CHECK(simt::BytesInUse() == 0);
    Job again{3000, 5, 9999};
    CHECK(Run(again).right);
  }
  simt::Configure("order=reverse");
  Job job{3000, 5, 9999};
  CHECK(Run(job).right);
}

}  // namespace
}  // namespace alfamix
