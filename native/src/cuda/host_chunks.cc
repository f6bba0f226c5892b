#include "cuda/host_chunks.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "cpu/thread_pool.h"

namespace alfamix::cuda {

namespace {

constexpr std::size_t kAlignment = 256;
// A call with less than this has nothing to gain from several chunks.
constexpr std::size_t kLeastChunkBytes = std::size_t{256} << 10;
// What a thread copies in one go, and how long an abort waits for it at most.
constexpr std::size_t kPieceBytes = std::size_t{512} << 10;
// Chunks and pieces begin at rows that are multiples of this: 16-bit rows begin at multiples of 8 bytes.
constexpr std::uint64_t kRowStep = 4;

std::size_t Aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

std::uint64_t WholeSteps(std::uint64_t rows) { return (rows + kRowStep - 1) / kRowStep * kRowStep; }

}  // namespace

HostChunks::HostChunks(std::uint64_t rows, std::vector<ChunkInput> inputs, std::vector<ChunkOutput> outputs,
                       const JobOptions& options, std::size_t chunk_bytes)
    : rows_(rows), threads_(options.threads) {
  if (inputs.size() > kMostArrays || outputs.size() > kMostArrays) throw std::bad_alloc();
  std::size_t row_bytes = 1;
  for (const ChunkInput& input : inputs) row_bytes += input.row_bytes;
  for (const ChunkOutput& output : outputs) row_bytes += output.row_bytes;
  // Small calls are cut too, so that their copies and kernels overlap, but allocate no more than they need.
  const std::uint64_t share = rows / (2 * kSlots) * row_bytes;
  const std::uint64_t bytes = std::min<std::uint64_t>(std::max<std::uint64_t>(share, kLeastChunkBytes),
                                                      std::max<std::size_t>(chunk_bytes, 1));
  chunk_rows_ = std::min(WholeSteps(std::max<std::uint64_t>(bytes / row_bytes, 1)), WholeSteps(rows));
  const auto place = [&](std::size_t bytes_of_row, void* resident) {
    const Array array{bytes_of_row, pinned_bytes_, device_bytes_, resident};
    pinned_bytes_ += Aligned(bytes_of_row * chunk_rows_);
    if (resident == nullptr) device_bytes_ += Aligned(bytes_of_row * chunk_rows_);
    return array;
  };
  for (const ChunkInput& input : inputs) inputs_.push_back(place(input.row_bytes, input.resident));
  for (const ChunkOutput& output : outputs) outputs_.push_back(place(output.row_bytes, nullptr));
}

Status HostChunks::Run(JobProgress& progress, const Fill& fill, const Compute& compute, const Take& take,
                       std::uint64_t work_per_row) {
  if (rows_ == 0) return Status::Ok();
  const std::uint64_t chunks = (rows_ + chunk_rows_ - 1) / chunk_rows_;
  std::vector<std::unique_ptr<Slot>> slots;
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(kSlots, chunks); ++i) {
    slots.push_back(std::make_unique<Slot>());
    slots.back()->pinned = PinnedBuffer<unsigned char>(pinned_bytes_);
    slots.back()->device = DeviceBuffer<unsigned char>(device_bytes_);
  }
  for (std::uint64_t chunk = 0; chunk < chunks; ++chunk) {
    const auto number = static_cast<unsigned>(chunk % slots.size());
    Slot& slot = *slots[number];
    Finish(slot, progress, take, work_per_row);
    slot.first = chunk * chunk_rows_;
    slot.rows = std::min(chunk_rows_, rows_ - slot.first);
    const Status status = FillSlot(slot, progress, fill);
    if (!status.ok()) return status;
    Queue(slot, number, compute);
  }
  for (std::uint64_t chunk = chunks; chunk < chunks + slots.size(); ++chunk)
    Finish(*slots[chunk % slots.size()], progress, take, work_per_row);
  return Status::Ok();
}

std::uint64_t HostChunks::PieceRows(const std::vector<Array>& arrays) const {
  std::size_t row_bytes = 1;
  for (const Array& array : arrays) row_bytes += array.row_bytes;
  return WholeSteps(std::max<std::uint64_t>(kPieceBytes / row_bytes, 1));
}

// Throws JobAborted when the hook says no; no exception leaves a thread of the pool.
void HostChunks::InPieces(
    const Slot& slot, const std::vector<Array>& arrays, const JobProgress& progress,
    const std::function<bool(std::uint64_t, std::uint64_t, unsigned char* const*)>& body) const {
  const std::uint64_t piece_rows = PieceRows(arrays);
  bool aborted = false;
  ThreadPool::Instance().ParallelFor(
      (slot.rows + piece_rows - 1) / piece_rows, threads_, [&](std::uint64_t piece, int thread) {
        const std::uint64_t first = piece * piece_rows;
        unsigned char* at[kMostArrays];
        for (std::size_t i = 0; i < arrays.size(); ++i)
          at[i] = slot.pinned.get() + arrays[i].pinned_at + first * arrays[i].row_bytes;
        if (!body(slot.first + first, std::min(piece_rows, slot.rows - first), at)) return false;
        if (thread != 0) return true;
        try {
          progress.Look();  // never from two threads at once
        } catch (const JobAborted&) {
          aborted = true;
        }
        return !aborted;
      });
  if (aborted) throw JobAborted{};
}

Status HostChunks::FillSlot(Slot& slot, const JobProgress& progress, const Fill& fill) const {
  std::mutex mutex;
  Status failure;
  std::uint64_t failed = ~std::uint64_t{0};
  InPieces(slot, inputs_, progress, [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* at) {
    const Status status = fill(first, rows, at);
    if (status.ok()) return true;
    const std::lock_guard lock(mutex);
    if (first < failed) failure = status;
    failed = std::min(failed, first);
    return false;
  });
  return failure;
}

void HostChunks::Queue(Slot& slot, unsigned number, const Compute& compute) const {
  const auto device_address = [&](const Array& array) -> void* {
    if (array.resident == nullptr) return slot.device.get() + array.device_at;
    return static_cast<unsigned char*>(array.resident) + slot.first * array.row_bytes;
  };
  void* inputs[kMostArrays] = {};
  void* outputs[kMostArrays] = {};
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    inputs[i] = device_address(inputs_[i]);
    if (inputs_[i].row_bytes == 0) continue;
    Check(cudaMemcpyAsync(inputs[i], slot.pinned.get() + inputs_[i].pinned_at,
                          slot.rows * inputs_[i].row_bytes, cudaMemcpyHostToDevice, slot.stream.get()),
          "copying to the device");
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) outputs[i] = device_address(outputs_[i]);
  compute({slot.first, slot.rows, number, slot.stream, inputs, outputs});
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    CopyFromDevice(slot.pinned.get() + outputs_[i].pinned_at, static_cast<unsigned char*>(outputs[i]),
                   slot.rows * outputs_[i].row_bytes, slot.stream);
  slot.done.Record(slot.stream);
}

void HostChunks::Finish(Slot& slot, JobProgress& progress, const Take& take,
                        std::uint64_t work_per_row) const {
  if (slot.rows == 0) return;
  progress.Wait(slot.done);
  if (take != nullptr && !outputs_.empty())
    InPieces(slot, outputs_, progress,
             [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* at) {
               take(first, rows, at);
               return true;
             });
  progress.Add(slot.rows * work_per_row);
  slot.rows = 0;
}

void FillFrom(const void* array, std::size_t row_bytes, std::uint64_t first, std::uint64_t rows,
              unsigned char* to) {
  if (row_bytes == 0) return;
  std::memcpy(to, static_cast<const unsigned char*>(array) + first * row_bytes, rows * row_bytes);
}

void TakeTo(void* array, std::size_t row_bytes, std::uint64_t first, std::uint64_t rows,
            const unsigned char* from) {
  if (row_bytes == 0) return;
  std::memcpy(static_cast<unsigned char*>(array) + first * row_bytes, from, rows * row_bytes);
}

}  // namespace alfamix::cuda
