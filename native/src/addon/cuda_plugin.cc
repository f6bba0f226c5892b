#include "addon/cuda_plugin.h"

#include <atomic>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace alfamix::addon {
namespace {

std::atomic<const CudaPlugin*> in_use{nullptr};

#if !defined(_WIN32)

std::string LastError() {
  const char* text = dlerror();
  return text == nullptr ? "it can't be loaded" : text;
}

#endif

}  // namespace

#if defined(_WIN32)

OpenedCuda OpenCuda(const char*) { return {nullptr, "this platform has no CUDA plug-in"}; }

#else

OpenedCuda OpenCuda(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {nullptr, LastError()};
  const auto table =
      reinterpret_cast<const CudaPlugin* (*)(std::uint32_t)>(dlsym(library, "alfamix_cuda_plugin"));
  // Libraries that are refused stay open: what they started when they were loaded may still run.
  if (table == nullptr) return {nullptr, "it is no CUDA plug-in of alfamix"};
  const CudaPlugin* const plugin = table(kCudaAbi);
  if (plugin == nullptr || plugin->abi != kCudaAbi)
    return {nullptr, "it is built for another addon: expected interface " + std::to_string(kCudaAbi)};
  const std::string version = plugin->version == nullptr ? "none" : plugin->version;
  if (version != ALFAMIX_VERSION)
    return {nullptr, "expected a CUDA plug-in of version " ALFAMIX_VERSION ", got " + version};
  return {plugin, ""};
}

#endif

const CudaPlugin* CudaInUse() { return in_use.load(std::memory_order_acquire); }

void UseCuda(const CudaPlugin* plugin) { in_use.store(plugin, std::memory_order_release); }

}  // namespace alfamix::addon
