// Times every kernel of the plug-in on this machine's device, beside what the device can do at most.
//
//   cuda_bench [--quick | --smoke] [--only TEXT] [--json FILE] [--limit SECONDS] [--torch
//   CASE=MILLISECONDS]... cuda_bench --flip-shapes    the flip search's problems: name rows dim classes
//   anchors values
//
// Exit codes: 0 all ran, 1 a kernel failed, gave a wrong result (check_results.h) or there was no time for
// it, 2 wrong arguments or no device. A goal that is missed fails nothing: it is in the table and the JSON.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "bench/flip_cases.h"
#include "bench/report.h"

namespace alfamix::bench {

namespace {

struct Arguments {
  Size size = Size::kFull;
  std::string only, json;
  double limit = 240;  // seconds
  bool flip_shapes = false;
  std::map<std::string, double> torch;
};

[[noreturn]] void Usage(const char* wrong) {
  std::fprintf(stderr,
               "expected [--quick | --smoke] [--only TEXT] [--json FILE] [--limit SECONDS] [--torch "
               "CASE=MILLISECONDS]... or --flip-shapes, got %s\n",
               wrong);
  std::exit(2);
}

Arguments Parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> const char* {
      if (++i == argc) Usage(name.c_str());
      return argv[i];
    };
    if (name == "--quick") {
      arguments.size = Size::kQuick;
    } else if (name == "--smoke") {
      arguments.size = Size::kSmoke;
    } else if (name == "--only") {
      arguments.only = value();
    } else if (name == "--json") {
      arguments.json = value();
    } else if (name == "--limit") {
      arguments.limit = std::atof(value());
      if (!(arguments.limit > 0)) Usage(argv[i]);
    } else if (name == "--torch") {
      const char* const given = value();
      const char* const equals = std::strchr(given, '=');
      if (equals == nullptr || !(std::atof(equals + 1) > 0)) Usage(given);
      arguments.torch[std::string(given, equals)] = std::atof(equals + 1);
    } else if (name == "--flip-shapes") {
      arguments.flip_shapes = true;
    } else {
      Usage(name.c_str());
    }
  }
  return arguments;
}

Setup MakeSetup(const Arguments& arguments, const CudaDescription& description) {
  Setup setup;
  setup.size = arguments.size;
  setup.seconds = arguments.size == Size::kFull ? 2 : 0.5;
  setup.device_bytes = description.devices[description.device].free_bytes;
  setup.cache_bytes = static_cast<std::size_t>(cuda::DeviceProperties().l2CacheSize);
#if defined(_SC_PHYS_PAGES)
  setup.host_bytes =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
#else
  setup.host_bytes = std::size_t{8} << 30;
#endif
  return setup;
}

void PrintFlipShapes(const Setup& setup) {
  for (const FlipShape& shape : kFlipShapes) {
    if (shape.anchors == 0) continue;
    std::printf("%s %llu %u %u %u %s\n", shape.name, static_cast<unsigned long long>(FlipRows(setup, shape)),
                shape.dim, shape.classes, shape.anchors, shape.values == Values::kRelu ? "relu" : "uniform");
  }
}

CaseResult RunCase(const Case& which, const Report& report, const Arguments& arguments) {
  CaseResult result;
  result.of = &which;
  const auto torch = arguments.torch.find(which.name);
  if (torch != arguments.torch.end()) result.torch_milliseconds = torch->second;
  std::printf("%s ...\n", which.name);
  std::fflush(stdout);
  try {
    result.status = which.run(report.setup, &result.measurement);
  } catch (const std::bad_alloc&) {
    result.status = Status::Error(Code::kOutOfMemory, "not enough memory on the host");
  }
  if (!result.status.ok()) result.measurement.times = Times();
  return result;
}

bool RunAll(const Arguments& arguments, Report* report) {
  const auto started = std::chrono::steady_clock::now();
  bool good = true;
  for (const auto* cases : {&FlipCases(), &ClusterCases(), &RowCases()}) {
    for (const Case& which : *cases) {
      if (std::strstr(which.name, arguments.only.c_str()) == nullptr) continue;
      const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - started;
      CaseResult result;
      result.of = &which;
      result.skipped = spent.count() > arguments.limit;
      if (!result.skipped) result = RunCase(which, *report, arguments);
      good = good && !result.skipped && result.status.ok();
      report->results.push_back(result);
    }
  }
  return good;
}

bool WriteFile(const std::string& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && written;
}

int Main(int argc, char** argv) {
  const Arguments arguments = Parse(argc, argv);
  Report report;
#if defined(ALFAMIX_STAND_IN)
  report.stand_in = true;
#endif
  alfamix_cuda_plugin(kCudaAbi)->describe(&report.description);
  const Status found = cuda::Guarded(JobOptions(), [&] {
    report.setup = MakeSetup(arguments, report.description);
    if (!arguments.flip_shapes) report.ceilings = MeasureCeilings(report.setup);
    return Status::Ok();
  });
  if (!found.ok()) {
    std::fprintf(stderr, "%s\n", found.text);
    return 2;
  }
  if (arguments.flip_shapes) {
    PrintFlipShapes(report.setup);
    return 0;
  }
  const bool good = RunAll(arguments, &report);
  if (report.results.empty()) Usage(arguments.only.c_str());
  PrintTable(report);
  if (!arguments.json.empty() && !WriteFile(arguments.json, ToJson(report))) {
    std::perror(arguments.json.c_str());
    return 1;
  }
  return good ? 0 : 1;
}

}  // namespace

}  // namespace alfamix::bench

int main(int argc, char** argv) { return alfamix::bench::Main(argc, argv); }
