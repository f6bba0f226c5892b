#include "cuda/device.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "cuda/description.h"

namespace alfamix::cuda {

namespace {

// How long a wait goes without a look at the hook: far below the 50 ms in which an abort is answered.
constexpr std::chrono::microseconds kLookEvery{200};
// What is short is awaited without sleep, which would last longer than the work.
constexpr std::chrono::microseconds kAwake{500};
constexpr std::chrono::milliseconds kTurnLook{5};

// Errors after which nothing works until the context is made anew. No others: the context is the process's,
// and what else uses the device would lose it too.
bool LeavesNothing(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure:
    case cudaErrorContextIsDestroyed:
    case cudaErrorDevicesUnavailable:
      return true;
    default:
      return false;
  }
}

Status StatusOf(const CudaFailure& failure) {
  const char* text = cudaGetErrorString(failure.error);
  switch (failure.error) {
    case cudaErrorMemoryAllocation:
      return Status::Error(Code::kOutOfMemory, "not enough memory on the device or for it: %s (%s)",
                           failure.doing, text);
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInitializationError:
    case cudaErrorSystemDriverMismatch:
      return Status::Error(Code::kCudaUnavailable, "the CUDA device can't be used: %s (%s)", failure.doing,
                           text);
    default:
      break;
  }
  if (LeavesNothing(failure.error))
    return Status::Error(Code::kCudaUnavailable, "the CUDA device was lost: %s (%s)", failure.doing, text);
  return Status::Error(Code::kInternal, "a CUDA call failed: %s (%s)", failure.doing, text);
}

// One call at a time has the device, in the order in which they came.
class Turns {
 public:
  // Throws JobAborted; then the caller's number is passed over.
  void Take(const JobOptions& options) {
    std::unique_lock lock(mutex_);
    const std::uint64_t number = next_++;
    while (serving_ != number) {
      changed_.wait_for(lock, kTurnLook);
      if (serving_ == number || options.progress == nullptr) continue;
      lock.unlock();
      const bool go_on = options.progress(options.progress_context, 0, 1);
      lock.lock();
      if (go_on) continue;
      // Its turn must still come and go, or those behind it would wait for ever.
      if (serving_ == number) {
        ++serving_;
      } else {
        left_.insert(number);
      }
      PassOver();
      throw JobAborted{};
    }
  }
  void Give() {
    const std::lock_guard lock(mutex_);
    ++serving_;
    PassOver();
  }

 private:
  void PassOver() {
    while (left_.erase(serving_) > 0) ++serving_;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0;
  std::uint64_t serving_ = 0;
  std::set<std::uint64_t> left_;  // numbers whose callers are gone
};

// Leaked on purpose: a call may be under way when static destructors run.
struct Shared {
  Turns turns;
  CudaDescription description;
  cudaDeviceProp properties;
  bool described = false;
};

Shared& TheDevice() {
  static auto* const shared = new Shared();
  return *shared;
}

// Chooses the device, the first time with a look at what is there. Under the turn.
Status Choose(Shared& shared) {
  if (!shared.described) {
    Describe(&shared.description);
    if (shared.description.device < 0)
      return Status::Error(Code::kCudaUnavailable, "%s", shared.description.reason);
    Check(cudaGetDeviceProperties(&shared.properties, shared.description.device), "asking for the device");
    shared.described = true;
  }
  Check(cudaSetDevice(shared.description.device), "choosing the device");
  return Status::Ok();
}

Status Run(const JobOptions& options, GuardedBody body, void* context) {
  Shared& shared = TheDevice();
  shared.turns.Take(options);
  Status status;
  cudaError_t error = cudaSuccess;
  try {
    status = Choose(shared);
    if (status.ok()) status = body(context);
  } catch (const CudaFailure& failure) {
    error = failure.error;
    status = StatusOf(failure);
  } catch (const JobAborted&) {
    status = Status::Error(Code::kAborted, "the operation was aborted");
  } catch (const std::bad_alloc&) {
    status = Status::Error(Code::kOutOfMemory, "not enough memory for a call of the CUDA kernels");
  } catch (...) {
    status = Status::Error(Code::kInternal, "a CUDA kernel's host part failed for an unknown reason");
  }
  if (error != cudaSuccess) {
    cudaGetLastError();
    // Every owner is gone by now, and no other call is inside.
    if (LeavesNothing(error)) {
      cudaDeviceReset();
      cudaGetLastError();
      shared.described = false;
    }
  }
  shared.turns.Give();
  return status;
}

template <typename Query>
void WaitFor(const JobProgress& progress, Query&& query) {
  const auto awake_until = std::chrono::steady_clock::now() + kAwake;
  for (;;) {
    const cudaError_t error = query();
    if (error == cudaSuccess) return;
    if (error != cudaErrorNotReady) throw CudaFailure{error, "waiting for the device"};
    progress.Look();
    if (std::chrono::steady_clock::now() < awake_until) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kLookEvery);
    }
  }
}

}  // namespace

void Check(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return;
  // Not sticky ones would else be found by the next launch's check.
  cudaGetLastError();
  throw CudaFailure{error, doing};
}

void JobProgress::Wait(const Stream& stream) const {
  WaitFor(*this, [&] { return cudaStreamQuery(stream.get()); });
}

void JobProgress::Wait(const Event& event) const {
  WaitFor(*this, [&] { return cudaEventQuery(event.get()); });
}

Status GuardedCall(const JobOptions& options, GuardedBody body, void* context) noexcept {
  try {
    return Run(options, body, context);
  } catch (const JobAborted&) {
    return Status::Error(Code::kAborted, "the operation was aborted");
  } catch (...) {
    return Status::Error(Code::kInternal, "a CUDA call could not begin");
  }
}

const cudaDeviceProp& DeviceProperties() { return TheDevice().properties; }

}  // namespace alfamix::cuda
