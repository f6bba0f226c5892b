// The cores this process may really use.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

#include "cpu/thread_pool.h"

namespace alfamix {

namespace {

#if defined(__linux__)

std::string FirstLine(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return {};
  char line[256] = {0};
  const bool read = std::fgets(line, sizeof line, file) != nullptr;
  std::fclose(file);
  return read ? std::string(line, std::strcspn(line, "\n")) : std::string();
}

// The path of this process in the cgroup v2 tree, "/" when it is not known.
std::string CgroupPath() {
  std::FILE* file = std::fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return "/";
  std::string path = "/";
  char line[4096];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, "0::", 3) == 0) path.assign(line + 3, std::strcspn(line + 3, "\n"));
  }
  std::fclose(file);
  return path;
}

// The smallest quota on the way from this process's group to the root, in cores; infinity without one.
double CgroupQuota() {
  double quota = HUGE_VAL;
  for (std::string path = CgroupPath();;) {
    const std::string line = FirstLine("/sys/fs/cgroup" + (path == "/" ? std::string() : path) + "/cpu.max");
    double limit = 0;
    double period = 0;
    if (std::sscanf(line.c_str(), "%lf %lf", &limit, &period) == 2 && limit > 0 && period > 0) {
      quota = std::min(quota, limit / period);
    }
    if (path.empty() || path == "/") break;
    path.resize(path.find_last_of('/'));
  }
  for (const char* folder : {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"}) {  // cgroup v1
    const double limit = std::atof(FirstLine(std::string(folder) + "/cpu.cfs_quota_us").c_str());
    const double period = std::atof(FirstLine(std::string(folder) + "/cpu.cfs_period_us").c_str());
    if (limit > 0 && period > 0) quota = std::min(quota, limit / period);
  }
  return quota;
}

int AffinityCount() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return static_cast<int>(std::thread::hardware_concurrency());
}

#endif

}  // namespace

int DefaultThreads() {
#if defined(__linux__)
  const int cores = static_cast<int>(std::min<double>(AffinityCount(), std::floor(CgroupQuota() + 1e-9)));
#else
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
#endif
  return std::clamp(cores, 1, ThreadPool::kMaxThreads);
}

}  // namespace alfamix
