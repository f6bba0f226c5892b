#include "cpu/blas.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <mutex>
#include <system_error>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace alfamix {

namespace {

// cblas.h: CblasRowMajor, CblasNoTrans, CblasTrans.
constexpr int kRowMajor = 101, kAsIs = 111, kTransposed = 112;

#if defined(_WIN32)
constexpr const char* kNames[] = {"libopenblas.dll", "openblas.dll", "mkl_rt.2.dll", "mkl_rt.dll"};
void* Open(const char* name) { return reinterpret_cast<void*>(LoadLibraryA(name)); }
void* Symbol(void* library, const std::string& name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(library), name.c_str()));
}
std::string PathOf(void* library, void*) {
  char path[MAX_PATH] = "";
  GetModuleFileNameA(static_cast<HMODULE>(library), path, MAX_PATH);
  return path;
}
std::string LastError() { return "it can't be loaded"; }
#else
#if defined(__APPLE__)
constexpr const char* kNames[] = {"/System/Library/Frameworks/Accelerate.framework/Accelerate",
                                  "libopenblas.0.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"};
#else
constexpr const char* kNames[] = {"libopenblas.so.0", "libopenblas.so", "libblis.so.4",
                                  "libblis.so.3",     "libmkl_rt.so.2", "libmkl_rt.so.1"};
#endif
void* Open(const char* name) { return dlopen(name, RTLD_NOW | RTLD_LOCAL); }
void* Symbol(void* library, const std::string& name) { return dlsym(library, name.c_str()); }
std::string PathOf(void*, void* symbol) {
  Dl_info info;
  return dladdr(symbol, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}
std::string LastError() {
  const char* error = dlerror();
  return error != nullptr ? error : "it can't be loaded";
}
#endif

// Whether a library isn't there at all, as glibc words it; elsewhere one that can't be opened counts as
// missing.
bool IsMissing([[maybe_unused]] const std::string& why, [[maybe_unused]] const char* name) {
#if defined(__GLIBC__)
  return why.find(std::string(name) + ": cannot open") != std::string::npos;
#else
  return true;
#endif
}

template <typename Function>
Function As(void* symbol) {
  return reinterpret_cast<Function>(symbol);
}

// Builds differ in how they name things: with a prefix, and a suffix for 64-bit integers.
struct Naming {
  const char* prefix;
  const char* suffix;
};
constexpr Naming kNamings[] = {{"", ""}, {"", "64_"}, {"scipy_", ""}, {"scipy_", "64_"}};

// What kind it is, by the symbols that only that kind has; one thread a call from now on.
bool Recognize(void* library, const Naming& naming, std::string* name, std::string* version) {
  const auto find = [&](const char* symbol) {
    return Symbol(library, std::string(naming.prefix) + symbol + naming.suffix);
  };
  if (void* config = find("openblas_get_config")) {
    *name = "OpenBLAS";
    *version = As<const char* (*)()>(config)();
    if (void* set = find("openblas_set_num_threads")) As<void (*)(int)>(set)(1);
    return true;
  }
  if (void* text = Symbol(library, "bli_info_get_version_str")) {
    *name = "BLIS";
    *version = As<const char* (*)()>(text)();
    if (void* set = Symbol(library, "bli_thread_set_num_threads")) As<void (*)(std::int64_t)>(set)(1);
    return true;
  }
  if (void* text = Symbol(library, "MKL_Get_Version_String")) {
    char words[200] = "";
    As<void (*)(char*, int)>(text)(words, sizeof words - 1);
    *name = "MKL";
    *version = words;
    if (void* set = Symbol(library, "MKL_Set_Num_Threads")) As<void (*)(int)>(set)(1);
    return true;
  }
  if (void* set = Symbol(library, "BLASSetThreading")) {
    *name = "Accelerate";
    As<int (*)(unsigned)>(set)(1);  // BLAS_THREADING_SINGLE_THREADED
    return true;
  }
  return false;
}

}  // namespace

struct BlasSearch {
  Blas found;
  bool any = false;
  std::string why;

  BlasSearch() {
    const char* asked = std::getenv("ALFAMIX_BLAS");
    if (asked != nullptr && std::strcmp(asked, "off") == 0) {
      why = "ALFAMIX_BLAS is off";
    } else if (asked != nullptr && *asked != '\0') {
      Try(asked);
    } else {
      std::string broken;
      for (const char* name : kNames) {
        if (Try(name)) return;
        // There, but what it needs isn't (libgfortran, say): worth telling.
        if (!IsMissing(why, name) && broken.empty()) broken = why;
      }
      why = broken.empty() ? "neither OpenBLAS nor BLIS, MKL or Accelerate is installed" : broken;
    }
  }

  bool Try(const char* name) {
    std::error_code failed;
    // Opening a pipe would wait for a writer.
    if (std::filesystem::is_fifo(name, failed)) {
      why = std::string(name) + ": not a regular file";
      return false;
    }
    void* library = Open(name);
    if (library == nullptr) {
      why = LastError();
      return false;
    }
    for (const Naming& naming : kNamings) {
      void* sgemm = Symbol(library, std::string(naming.prefix) + "cblas_sgemm" + naming.suffix);
      if (sgemm == nullptr) continue;
      if (!Recognize(library, naming, &found.name_, &found.version_)) {
        why = std::string(name) + " is none of OpenBLAS, BLIS, MKL and Accelerate";
        return false;
      }
      found.path_ = PathOf(library, sgemm);
      // Some builds for 64-bit integers keep the plain names.
      const bool wide = *naming.suffix != '\0' || found.version_.find("USE64BITINT") != std::string::npos;
      if (!wide) {
        found.sgemm32_ = As<decltype(found.sgemm32_)>(sgemm);
      } else {
        found.sgemm64_ = As<decltype(found.sgemm64_)>(sgemm);
      }
      any = true;
      return true;
    }
    why = std::string(name) + " has no cblas_sgemm";
    return false;
  }

  // Leaked on purpose: a worker thread may be inside it when static destructors run.
  static const BlasSearch& Once() {
    static const BlasSearch* search = new BlasSearch;
    return *search;
  }
};

const Blas* Blas::Find() { return BlasSearch::Once().any ? &BlasSearch::Once().found : nullptr; }

const std::string& Blas::WhyNone() { return BlasSearch::Once().why; }

void Blas::Product(const float* rows, int n, std::uint32_t dim, const float* matrix, std::uint32_t columns,
                   float* out) const {
  const int k = static_cast<int>(dim), c = static_cast<int>(columns);
  if (sgemm32_ != nullptr) {
    sgemm32_(kRowMajor, kAsIs, kTransposed, n, c, k, 1.0f, rows, k, matrix, k, 0.0f, out, c);
  } else {
    sgemm64_(kRowMajor, kAsIs, kTransposed, n, c, k, 1.0f, rows, k, matrix, k, 0.0f, out, c);
  }
}

}  // namespace alfamix
