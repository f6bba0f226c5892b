// A few owners around the CUDA runtime, and the one way its failures become a Status.
//
// Inside the plug-in failures are exceptions (CudaFailure, std::bad_alloc); Guarded turns them into a Status
// after every owner on the way has freed its memory.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "kernels/job.h"
#include "kernels/status.h"

namespace alfamix::cuda {

struct CudaFailure {
  cudaError_t error;
  const char* doing;  // "allocating 12 MB on the device": static storage
};

struct JobAborted {};

// Throws CudaFailure unless `error` is cudaSuccess.
void Check(cudaError_t error, const char* doing);
// After a launch: the launch's own error.
inline void CheckLaunch(const char* kernel) { Check(cudaGetLastError(), kernel); }

// Memory of the device, 256-byte aligned, not initialised.
template <typename T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  explicit DeviceBuffer(std::size_t count) : count_(count) {
    if (count == 0) return;
    if (count > static_cast<std::size_t>(-1) / sizeof(T) / 2)
      throw CudaFailure{cudaErrorMemoryAllocation, "allocating device memory"};
    void* data = nullptr;
    Check(cudaMalloc(&data, count * sizeof(T)), "allocating device memory");
    data_ = static_cast<T*>(data);
  }
  ~DeviceBuffer() {
    if (data_ != nullptr) cudaFree(data_);
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  T* get() const { return data_; }
  std::size_t count() const { return count_; }

 private:
  T* data_ = nullptr;
  std::size_t count_ = 0;
};

// Page-locked memory of the host: the device copies from and to it without a detour.
template <typename T>
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(std::size_t count) {
    if (count == 0) return;
    if (count > static_cast<std::size_t>(-1) / sizeof(T) / 2) throw std::bad_alloc();
    void* data = nullptr;
    Check(cudaMallocHost(&data, count * sizeof(T)), "allocating page-locked memory");
    data_ = static_cast<T*>(data);
  }
  ~PinnedBuffer() {
    if (data_ != nullptr) cudaFreeHost(data_);
  }
  PinnedBuffer(PinnedBuffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;

  T* get() const { return data_; }
  T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
};

class Stream {
 public:
  Stream() { Check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream"); }
  ~Stream() {
    // What is queued may still write to memory that is about to be freed.
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t get() const { return stream_; }
  void Synchronize() const { Check(cudaStreamSynchronize(stream_), "waiting for the device"); }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  // timing: for Milliseconds.
  explicit Event(bool timing = false) {
    Check(cudaEventCreateWithFlags(&event_, timing ? cudaEventDefault : cudaEventDisableTiming),
          "creating an event");
  }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  cudaEvent_t get() const { return event_; }
  void Record(const Stream& stream) { Check(cudaEventRecord(event_, stream.get()), "recording an event"); }
  // Lets what is queued on `stream` from now on wait for this.
  void HoldBack(const Stream& stream) const {
    Check(cudaStreamWaitEvent(stream.get(), event_, 0), "ordering two streams");
  }
  // False while the device is at it.
  bool Reached() const {
    const cudaError_t error = cudaEventQuery(event_);
    if (error == cudaErrorNotReady) return false;
    Check(error, "waiting for the device");
    return true;
  }
  void Synchronize() const { Check(cudaEventSynchronize(event_), "waiting for the device"); }
  static float Milliseconds(const Event& from, const Event& to) {
    float milliseconds = 0;
    Check(cudaEventElapsedTime(&milliseconds, from.event_, to.event_), "reading the time");
    return milliseconds;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

template <typename T>
void CopyToDevice(const DeviceBuffer<T>& to, const T* from, std::size_t count, const Stream& stream) {
  if (count == 0) return;
  Check(cudaMemcpyAsync(to.get(), from, count * sizeof(T), cudaMemcpyHostToDevice, stream.get()),
        "copying to the device");
}

template <typename T>
void CopyFromDevice(T* to, const T* from, std::size_t count, const Stream& stream) {
  if (count == 0) return;
  Check(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyDeviceToHost, stream.get()),
        "copying from the device");
}

// Tells the hook, and throws JobAborted when it says no.
class JobProgress {
 public:
  JobProgress(const JobOptions& options, std::uint64_t total) : options_(options), total_(total) {}

  void Add(std::uint64_t work) {
    done_ = done_ + work < total_ ? done_ + work : total_;
    Look();
  }
  void Look() const {
    if (options_.progress != nullptr && !options_.progress(options_.progress_context, done_, total_))
      throw JobAborted{};
  }
  // Waits for what is queued on the stream, and looks at the hook meanwhile.
  void Wait(const Stream& stream) const;
  void Wait(const Event& event) const;

 private:
  const JobOptions& options_;
  const std::uint64_t total_;
  std::uint64_t done_ = 0;
};

// Runs `body` when it is this call's turn on the device, with the device chosen; what it throws becomes a
// Status. After an error that leaves the device unusable its context is made anew. CUDA promises no more than
// a fresh process then: where that doesn't help, calls end in kCudaUnavailable, and `auto` uses the CPU.
using GuardedBody = Status (*)(void* context);
Status GuardedCall(const JobOptions& options, GuardedBody body, void* context) noexcept;

template <typename Body>
Status Guarded(const JobOptions& options, Body&& body) noexcept {
  return GuardedCall(
      options,
      [](void* context) -> Status { return (*static_cast<std::remove_reference_t<Body>*>(context))(); },
      &body);
}

// The device that is used, as cudaGetDeviceProperties says; valid inside a Guarded body.
const cudaDeviceProp& DeviceProperties();

}  // namespace alfamix::cuda
