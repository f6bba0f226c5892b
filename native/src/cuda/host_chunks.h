// Rows of the host through the device, chunk by chunk: while one chunk is copied in, another is computed on
// and a third copied out. Threads of the pool fill and empty the page-locked buffers in between, which
// pageable memory and files can't do without.
//
// Cost: every byte once over the bus, and once more through the host's memory on either side of it. At most
// kSlots chunks of about kChunkBytes are held, page-locked and on the device: large enough for the bus's full
// rate, and small because to lock pages takes longer than to copy them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "cuda/device.h"

namespace alfamix::cuda {

struct ChunkInput {
  std::size_t row_bytes;
  // Device memory for the whole array: a chunk is copied to its place there, and stays. Null: to the slot.
  void* resident = nullptr;
};

struct ChunkOutput {
  std::size_t row_bytes;
};

// One chunk on the device; addresses of rows `first` and on, in the order in which the arrays were named.
struct DeviceChunk {
  std::uint64_t first;
  std::uint64_t rows;
  unsigned slot;         // 0 ... kSlots - 1: chunks of one slot come one after the other, others at once
  const Stream& stream;  // kernels of this chunk go here
  void* const* inputs;   // 256-byte aligned unless resident
  void* const* outputs;  // 256-byte aligned

  template <typename T>
  const T* Input(std::size_t i) const {
    return static_cast<const T*>(inputs[i]);
  }
  template <typename T>
  T* Output(std::size_t i) const {
    return static_cast<T*>(outputs[i]);
  }
};

class HostChunks {
 public:
  static constexpr unsigned kSlots = 3;
  static constexpr std::size_t kChunkBytes = std::size_t{8} << 20;
  // Inputs, or outputs, that a call can have.
  static constexpr std::size_t kMostArrays = 8;

  // Writes rows first ... first + rows - 1 to the page-locked arrays, whose addresses are those of row
  // `first`, 8-byte aligned. Called by several threads at once, for different rows.
  using Fill = std::function<Status(std::uint64_t first, std::uint64_t rows, unsigned char* const* inputs)>;
  // Queues kernels that read the chunk's inputs and write all of its outputs.
  using Compute = std::function<void(const DeviceChunk& chunk)>;
  // Takes rows away from the page-locked arrays, as Fill. Chunks come in the order of their rows.
  using Take = std::function<void(std::uint64_t first, std::uint64_t rows, unsigned char* const* outputs)>;

  // Inside a Guarded body.
  HostChunks(std::uint64_t rows, std::vector<ChunkInput> inputs, std::vector<ChunkOutput> outputs,
             const JobOptions& options, std::size_t chunk_bytes = kChunkBytes);

  // Row counts of all chunks but the last; for scratch of the caller's.
  std::uint64_t chunk_rows() const { return chunk_rows_; }

  // All rows, once; `progress` counts rows * work_per_row. Ends early with a Status of Fill's that isn't ok:
  // of those met the one of the lowest rows. Throws what the device and the hook throw. When it returns or
  // throws nothing is under way on the device.
  Status Run(JobProgress& progress, const Fill& fill, const Compute& compute, const Take& take = nullptr,
             std::uint64_t work_per_row = 1);

 private:
  struct Slot {
    PinnedBuffer<unsigned char> pinned;
    DeviceBuffer<unsigned char> device;
    Stream stream;  // after the buffers: it waits for what still uses them before they go
    Event done;
    std::uint64_t first = 0;
    std::uint64_t rows = 0;  // 0: free
  };
  struct Array {
    std::size_t row_bytes;
    std::size_t pinned_at;  // of a slot's buffers
    std::size_t device_at;
    void* resident;
  };
  // Rows of a chunk that a thread fills or takes in one go.
  std::uint64_t PieceRows(const std::vector<Array>& arrays) const;
  Status FillSlot(Slot& slot, const JobProgress& progress, const Fill& fill) const;
  void Queue(Slot& slot, unsigned number, const Compute& compute) const;
  void Finish(Slot& slot, JobProgress& progress, const Take& take, std::uint64_t work_per_row) const;
  void InPieces(const Slot& slot, const std::vector<Array>& arrays, const JobProgress& progress,
                const std::function<bool(std::uint64_t, std::uint64_t, unsigned char* const*)>& body) const;

  const std::uint64_t rows_;
  const int threads_;
  std::uint64_t chunk_rows_ = 0;
  std::size_t pinned_bytes_ = 0;
  std::size_t device_bytes_ = 0;
  std::vector<Array> inputs_;
  std::vector<Array> outputs_;
};

// `rows` rows from row `first` of an array of the host, to (FillFrom) or from (TakeTo) a page-locked one.
void FillFrom(const void* array, std::size_t row_bytes, std::uint64_t first, std::uint64_t rows,
              unsigned char* to);
void TakeTo(void* array, std::size_t row_bytes, std::uint64_t first, std::uint64_t rows,
            const unsigned char* from);

}  // namespace alfamix::cuda
