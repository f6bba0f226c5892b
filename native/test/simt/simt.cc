// The device of cuda_runtime.h: threads of a block are fibers, a warp's lanes meet in Exchange, a block's
// threads in Barrier.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cuda_runtime.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace simt {

namespace {

constexpr std::size_t kStackBytes = 128 * 1024;
constexpr unsigned kLanes = 32;
constexpr std::size_t kMostOperand = 32;

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "simt: %s\n", what);
  std::abort();
}

// --- Switching stacks ---

#if defined(__x86_64__)
extern "C" void simt_switch(void** from, void* to);
asm(R"(
.text
.globl simt_switch
.hidden simt_switch
.type simt_switch, @function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch, .-simt_switch
)");

struct Context {
  void* stack_pointer = nullptr;
};
void Switch(Context& from, Context& to) { simt_switch(&from.stack_pointer, to.stack_pointer); }
void Prepare(Context& context, char* stack, void (*entry)()) {
  auto* top = reinterpret_cast<void**>(stack + kStackBytes);
  *--top = nullptr;  // as if called: the stack is off by 8 at a function's start
  *--top = reinterpret_cast<void*>(entry);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  context.stack_pointer = top;
}
#else
struct Context {
  ucontext_t context;
};
void Switch(Context& from, Context& to) { swapcontext(&from.context, &to.context); }
void Prepare(Context& context, char* stack, void (*entry)()) {
  getcontext(&context.context);
  context.context.uc_stack.ss_sp = stack;
  context.context.uc_stack.ss_size = kStackBytes;
  context.context.uc_link = nullptr;
  makecontext(&context.context, entry, 0);
}
#endif

// --- A block ---

struct PendingCopy {
  void* to;
  const void* from;
  unsigned size, valid;
};

struct Warp {
  std::uint64_t generation = 0;
  unsigned arrived = 0;
  unsigned alive = 0;
  alignas(16) unsigned char operands[2][kLanes * kMostOperand];
};

struct Fiber : Lane {
  Context context;
  Warp* warp = nullptr;
  bool done = false;
  bool in_barrier = false, in_exchange = false;
  std::uint64_t barrier_generation = 0, exchange_generation = 0;
  std::deque<std::vector<PendingCopy>> groups;
  std::vector<PendingCopy> open;
};

struct Block {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  std::uint64_t generation = 0;
  unsigned arrived = 0, alive = 0;
  unsigned char* shared = nullptr;
  const std::function<void()>* kernel = nullptr;
};

Context main_context;
Fiber* running = nullptr;
Block* block = nullptr;
std::vector<char*> stacks;

Fiber& Self() {
  if (running == nullptr) Die("a device function was called outside a kernel");
  return *running;
}

void Yield() {
  Fiber& fiber = *running;
  Switch(fiber.context, main_context);
}

void FiberMain() {
  (*block->kernel)();
  Fiber& fiber = *running;
  if (!fiber.open.empty() ||
      std::any_of(fiber.groups.begin(), fiber.groups.end(), [](const auto& g) { return !g.empty(); }))
    Die("a thread ended with copies into shared memory under way");
  fiber.done = true;
  --fiber.warp->alive;
  --block->alive;
  if (fiber.warp->arrived > 0) Die("a lane ended while others of its warp wait for it");
  if (block->arrived > 0) Die("a thread ended while others of its block wait for it at a barrier");
  Switch(fiber.context, main_context);
  Die("a finished thread went on");
}

bool Runnable(const Fiber& fiber) {
  if (fiber.done) return false;
  if (fiber.in_barrier && fiber.barrier_generation == block->generation) return false;
  if (fiber.in_exchange && fiber.exchange_generation == fiber.warp->generation) return false;
  return true;
}

char* StackOf(std::size_t i) {
  while (stacks.size() <= i) {
    void* memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) Die("no memory for a thread's stack");
    stacks.push_back(static_cast<char*>(memory));
  }
  return stacks[i];
}

struct Settings {
  int devices = 1, driver = 13000, sm = 90;
  long malloc = 0, launch = 0, host = 0;  // the how-manieth call from now fails; 0: none
  std::size_t memory = std::size_t{4} << 30;
  std::size_t shared = 227 * 1024;  // 99 on consumer cards
  bool reverse = false;
  bool lost = false;
};

std::recursive_mutex mutex;
Settings settings;
bool configured = false;
std::uint64_t launches = 0;
std::size_t in_use = 0;
std::map<void*, std::size_t> allocations;
cudaError_t last_error = cudaSuccess;

Settings& TheSettings() {
  if (!configured) {
    configured = true;
    if (const char* text = std::getenv("ALFAMIX_SIMT")) Configure(text);
  }
  return settings;
}

cudaError_t Result(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

// The error every call gives now, or cudaSuccess.
cudaError_t State() {
  const Settings& now = TheSettings();
  if (now.driver == 0) return cudaErrorInsufficientDriver;
  if (now.devices == 0) return cudaErrorNoDevice;
  return now.lost ? cudaErrorLaunchFailure : cudaSuccess;
}

void RunBlock(unsigned index, unsigned threads) {
  for (unsigned i = 0; i < threads; ++i) {
    Fiber& fiber = block->fibers[i];
    fiber = Fiber();
    fiber.thread = {i, 0, 0};
    fiber.block = {index, 0, 0};
    fiber.warp = &block->warps[i / kLanes];
    Prepare(fiber.context, StackOf(i), FiberMain);
  }
  for (Warp& warp : block->warps) {
    warp.generation = 0;
    warp.arrived = 0;
    warp.alive = kLanes;
  }
  block->alive = threads;
  block->arrived = 0;
  block->generation = 0;
  const unsigned warps = threads / kLanes;
  while (block->alive > 0) {
    bool any = false;
    for (unsigned w = 0; w < warps; ++w) {
      const unsigned at = settings.reverse ? warps - 1 - w : w;
      for (bool again = true; again;) {
        again = false;
        for (unsigned lane = 0; lane < kLanes; ++lane) {
          Fiber& fiber = block->fibers[at * kLanes + (settings.reverse ? kLanes - 1 - lane : lane)];
          if (!Runnable(fiber)) continue;
          again = any = true;
          running = &fiber;
          current = &fiber;
          Switch(main_context, fiber.context);
        }
      }
    }
    if (!any) Die("threads wait for each other: a barrier or a warp's operation that not all reach");
  }
  running = nullptr;
  current = nullptr;
}

void RunGrid(unsigned blocks, unsigned threads, std::size_t shared_bytes,
             const std::function<void()>& kernel) {
  static auto* const the_block = new Block();
  block = the_block;
  block->fibers.resize(threads);
  block->warps.resize(threads / kLanes);
  block->kernel = &kernel;
  block_dim = {threads, 1, 1};
  grid_dim = {blocks, 1, 1};
  const std::size_t size = std::max<std::size_t>(shared_bytes, 1);
  void* memory = nullptr;
  if (posix_memalign(&memory, 128, size) != 0) Die("no memory for shared memory");
  block->shared = static_cast<unsigned char*>(memory);
  for (unsigned i = 0; i < blocks; ++i) {
    std::memset(memory, 0xff, size);
    RunBlock(settings.reverse ? blocks - 1 - i : i, threads);
  }
  std::free(memory);
}

void Perform(const std::vector<PendingCopy>& copies) {
  for (const PendingCopy& copy : copies) {
    std::memset(copy.to, 0, copy.size);
    std::memcpy(copy.to, copy.from, copy.valid);
  }
}

void CopyAsync(void* shared, const void* global, unsigned size, unsigned valid) {
  Fiber& fiber = Self();
  const auto to = reinterpret_cast<std::uintptr_t>(shared);
  const auto from = reinterpret_cast<std::uintptr_t>(global);
  if (to % size != 0 || (valid > 0 && from % size != 0)) Die("a copy into shared memory is not aligned");
  if (valid > size) Die("a copy into shared memory has more valid bytes than it has");
  std::memset(shared, 0xff, size);
  fiber.open.push_back({shared, global, size, valid});
}

}  // namespace

Lane* current = nullptr;
uint3 block_dim{}, grid_dim{};

void Configure(const char* text) {
  const std::lock_guard lock(mutex);
  configured = true;
  settings = Settings();
  std::string rest = text;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string part = rest.substr(0, comma);
    rest.erase(0, comma + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) Die("expected NAME=VALUE in the settings");
    const std::string name = part.substr(0, equals);
    const std::string value = part.substr(equals + 1);
    const long number = std::strtol(value.c_str(), nullptr, 10);
    if (name == "devices")
      settings.devices = static_cast<int>(number);
    else if (name == "driver")
      settings.driver = static_cast<int>(number);
    else if (name == "sm")
      settings.sm = static_cast<int>(number);
    else if (name == "malloc")
      settings.malloc = number;
    else if (name == "launch")
      settings.launch = number;
    else if (name == "host")
      settings.host = number;
    else if (name == "memory")
      settings.memory = static_cast<std::size_t>(number) << 20;
    else if (name == "shared")
      settings.shared = static_cast<std::size_t>(number) << 10;
    else if (name == "order")
      settings.reverse = value == "reverse";
    else
      Die("unknown name in the settings");
  }
}

std::uint64_t Launches() { return launches; }
std::size_t BytesInUse() { return in_use; }

unsigned LaneNumber() { return Self().thread.x % kLanes; }

const unsigned char* Exchange(const void* operand, std::size_t size) {
  Fiber& fiber = Self();
  Warp& warp = *fiber.warp;
  if (warp.alive != kLanes) Die("a warp's operation after lanes of it have ended");
  if (size > kMostOperand) Die("an operand is too large");
  const std::uint64_t generation = warp.generation;
  unsigned char* operands = warp.operands[generation % 2];
  std::memcpy(operands + fiber.thread.x % kLanes * size, operand, size);
  if (++warp.arrived == kLanes) {
    warp.arrived = 0;
    ++warp.generation;
  } else {
    fiber.in_exchange = true;
    fiber.exchange_generation = generation;
    while (warp.generation == generation) Yield();
    fiber.in_exchange = false;
  }
  return operands;
}

void Barrier() {
  Fiber& fiber = Self();
  if (block->alive != block->fibers.size()) Die("a barrier after threads of the block have ended");
  const std::uint64_t generation = block->generation;
  if (++block->arrived == block->alive) {
    block->arrived = 0;
    ++block->generation;
    return;
  }
  fiber.in_barrier = true;
  fiber.barrier_generation = generation;
  while (block->generation == generation) Yield();
  fiber.in_barrier = false;
}

unsigned char* SharedMemory() { return block->shared; }

void CopyAsync16(void* shared, const void* global, unsigned valid) { CopyAsync(shared, global, 16, valid); }
void CopyAsync4(void* shared, const void* global, unsigned valid) { CopyAsync(shared, global, 4, valid); }

void CopyCommit() {
  Fiber& fiber = Self();
  fiber.groups.push_back(std::move(fiber.open));
  fiber.open.clear();
}

void CopyWaitUntil(int open) {
  Fiber& fiber = Self();
  while (fiber.groups.size() > static_cast<std::size_t>(open)) {
    Perform(fiber.groups.front());
    fiber.groups.pop_front();
  }
}

void MultiplyTf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  struct Operands {
    std::uint32_t a[4], b[2];
  } own;
  std::memcpy(own.a, a, sizeof a);
  std::memcpy(own.b, b, sizeof b);
  const unsigned char* all = Exchange(&own, sizeof own);
  const unsigned lane = LaneNumber();
  const auto value = [&](unsigned from, unsigned word) {
    std::uint32_t bits;
    std::memcpy(&bits, all + from * sizeof(Operands) + word * sizeof bits, sizeof bits);
    return static_cast<double>(__uint_as_float(bits & 0xffffe000u));
  };
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = lane / 4 + (i >= 2 ? 8 : 0);
    const unsigned column = lane % 4 * 2 + i % 2;
    double sum = static_cast<double>(d[i]);
    for (unsigned k = 0; k < 8; ++k) {
      const double x = value(row % 8 * 4 + k % 4, (row >= 8 ? 1 : 0) + (k >= 4 ? 2 : 0));
      const double y = value(column * 4 + k % 4, 4 + (k >= 4 ? 1 : 0));
      sum += x * y;
    }
    float rounded = static_cast<float>(sum);
    if (std::fabs(static_cast<double>(rounded)) > std::fabs(sum)) rounded = std::nextafterf(rounded, 0.0f);
    d[i] = rounded;
  }
}

// --- The runtime ---

struct StreamQueue {
  std::deque<std::function<void()>> work;
};

struct EventMark {
  StreamQueue* stream = nullptr;
  std::uint64_t recorded = 0, reached = 0;
  std::chrono::steady_clock::time_point at;
};

namespace {

void Drain(StreamQueue* stream) {
  while (!stream->work.empty()) {
    const std::function<void()> next = std::move(stream->work.front());
    stream->work.pop_front();
    next();
  }
}

void DrainUntil(EventMark* event, std::uint64_t mark) {
  while (event->reached < mark && event->stream != nullptr && !event->stream->work.empty()) {
    const std::function<void()> next = std::move(event->stream->work.front());
    event->stream->work.pop_front();
    next();
  }
}

std::vector<StreamQueue*>& Streams() {
  static auto* const all = new std::vector<StreamQueue*>();
  return *all;
}

// All there ever were: work that waits for one may still be queued when it is destroyed.
std::vector<EventMark*>& Events() {
  static auto* const all = new std::vector<EventMark*>();
  return *all;
}

bool Countdown(long& counter) { return counter > 0 && --counter == 0; }

}  // namespace

void Enqueue(StreamQueue* stream, unsigned blocks, unsigned threads, std::size_t shared_bytes,
             std::function<void()> kernel) {
  const std::lock_guard lock(mutex);
  ++launches;
  if (State() != cudaSuccess) {
    Result(State());
    return;
  }
  if (settings.sm < 80) {
    Result(cudaErrorNoKernelImageForDevice);
    return;
  }
  if (blocks == 0 || threads == 0 || threads > 1024 || threads % kLanes != 0 ||
      shared_bytes > settings.shared) {
    Result(cudaErrorInvalidConfiguration);
    return;
  }
  if (Countdown(settings.launch)) settings.lost = true;
  stream->work.push_back([=, kernel = std::move(kernel)] {
    if (!settings.lost) RunGrid(blocks, threads, shared_bytes, kernel);
  });
}

}  // namespace simt

using namespace simt;

cudaError_t cudaGetDeviceCount(int* count) {
  const std::lock_guard lock(mutex);
  *count = TheSettings().devices;
  return Result(settings.driver == 0    ? cudaErrorInsufficientDriver
                : settings.devices == 0 ? cudaErrorNoDevice
                                        : cudaSuccess);
}
cudaError_t cudaDriverGetVersion(int* version) {
  const std::lock_guard lock(mutex);
  *version = TheSettings().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const std::lock_guard lock(mutex);
  if (device < 0 || device >= TheSettings().devices) return Result(cudaErrorInvalidValue);
  *properties = cudaDeviceProp();
  std::snprintf(properties->name, sizeof properties->name, "host stand-in");
  properties->major = settings.sm / 10;
  properties->minor = settings.sm % 10;
  properties->multiProcessorCount = 2;
  properties->totalGlobalMem = settings.memory;
  properties->sharedMemPerBlockOptin = settings.shared;
  properties->sharedMemPerMultiprocessor = settings.shared + 1024;
  properties->l2CacheSize = 50 << 20;
  properties->regsPerMultiprocessor = 65536;
  properties->maxThreadsPerMultiProcessor = 2048;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  *value = attribute == cudaDevAttrMultiProcessorCount ? 2 : 227 * 1024;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) {
  const std::lock_guard lock(mutex);
  return Result(State());
}
cudaError_t cudaDeviceReset() {
  const std::lock_guard lock(mutex);
  settings.lost = false;
  if (!allocations.empty()) Die("the device was reset while memory of it was in use");
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  const std::lock_guard lock(mutex);
  for (StreamQueue* stream : Streams()) Drain(stream);
  return Result(State());
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const std::lock_guard lock(mutex);
  *total = TheSettings().memory;
  *free = settings.memory - in_use;
  return Result(State());
}
cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  const std::lock_guard lock(mutex);
  *data = nullptr;
  if (State() != cudaSuccess) return Result(State());
  if (Countdown(settings.malloc) || in_use + bytes > settings.memory)
    return Result(cudaErrorMemoryAllocation);
  if (posix_memalign(data, 256, std::max<std::size_t>(bytes, 1)) != 0)
    return Result(cudaErrorMemoryAllocation);
  std::memset(*data, 0xff, bytes);
  allocations[*data] = bytes;
  in_use += bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  const std::lock_guard lock(mutex);
  if (data == nullptr) return cudaSuccess;
  for (StreamQueue* stream : Streams()) Drain(stream);
  const auto found = allocations.find(data);
  if (found == allocations.end()) Die("cudaFree of memory that is not the device's");
  in_use -= found->second;
  allocations.erase(found);
  std::free(data);
  return Result(State());
}
cudaError_t cudaMallocHost(void** data, std::size_t bytes) {
  const std::lock_guard lock(mutex);
  *data = nullptr;
  if (State() != cudaSuccess) return Result(State());
  if (Countdown(settings.host)) return Result(cudaErrorMemoryAllocation);
  if (posix_memalign(data, 4096, std::max<std::size_t>(bytes, 1)) != 0)
    return Result(cudaErrorMemoryAllocation);
  std::memset(*data, 0xff, bytes);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* data) {
  const std::lock_guard lock(mutex);
  for (StreamQueue* stream : Streams()) Drain(stream);
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (State() != cudaSuccess) return Result(State());
  stream->work.push_back([=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (State() != cudaSuccess) return Result(State());
  stream->work.push_back([=] { std::memset(to, value, bytes); });
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  const std::lock_guard lock(mutex);
  if (State() != cudaSuccess) return Result(State());
  *stream = new StreamQueue();
  Streams().push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  Drain(stream);
  Streams().erase(std::find(Streams().begin(), Streams().end(), stream));
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  Drain(stream);
  return Result(State());
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  if (State() != cudaSuccess) return Result(State());
  if (stream->work.empty()) return cudaSuccess;
  // One piece of work a question: who waits sees the device at work in between.
  const std::function<void()> next = std::move(stream->work.front());
  stream->work.pop_front();
  next();
  return cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const std::lock_guard lock(mutex);
  const std::uint64_t mark = event->recorded;
  stream->work.push_back([=] { DrainUntil(event, mark); });
  return Result(State());
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  const std::lock_guard lock(mutex);
  *event = new EventMark();
  Events().push_back(*event);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard lock(mutex);
  if (event->stream != nullptr) DrainUntil(event, event->recorded);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(mutex);
  event->stream = stream;
  const std::uint64_t mark = ++event->recorded;
  stream->work.push_back([=] {
    event->reached = mark;
    event->at = std::chrono::steady_clock::now();
  });
  return Result(State());
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const std::lock_guard lock(mutex);
  DrainUntil(event, event->recorded);
  return Result(State());
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard lock(mutex);
  if (State() != cudaSuccess) return Result(State());
  if (event->reached >= event->recorded) return cudaSuccess;
  const std::function<void()> next = std::move(event->stream->work.front());
  event->stream->work.pop_front();
  next();
  return cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = std::chrono::duration<float, std::milli>(to->at - from->at).count();
  return cudaSuccess;
}
cudaError_t cudaGetLastError() {
  const std::lock_guard lock(mutex);
  return std::exchange(last_error, settings.lost ? cudaErrorLaunchFailure : cudaSuccess);
}
cudaError_t cudaPeekAtLastError() { return last_error; }
const char* cudaGetErrorName(cudaError_t error) { return cudaGetErrorString(error); }
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    default:
      return "another error";
  }
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }
