#include "bench/report.h"

#include <cstdarg>
#include <cstdio>

namespace alfamix::bench {

namespace {

std::string Format(const char* format, ...) __attribute__((format(printf, 1, 2)));
std::string Format(const char* format, ...) {
  char text[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

std::string Quoted(const char* text) {
  std::string quoted = "\"";
  for (; *text != '\0'; ++text) {
    const auto c = static_cast<unsigned char>(*text);
    if (c == '"' || c == '\\') quoted += '\\';
    if (c < 32) {
      quoted += Format("\\u%04x", c);
    } else {
      quoted += *text;
    }
  }
  return quoted + "\"";
}

// A number, or null where there is none.
std::string Number(double x) { return x > 0 ? Format("%.6g", x) : "null"; }

std::string Percent(double share) { return share > 0 ? Format("%.0f %%", 100 * share) : "-"; }

const char* SizeName(Size size) {
  return size == Size::kFull ? "full" : size == Size::kQuick ? "quick" : "smoke";
}

const char* TimedJson(Timed timed) {
  return timed == Timed::kOnDevice    ? "\"on the device\""
         : timed == Timed::kWholeCall ? "\"whole call\""
                                      : "\"difference of whole calls\"";
}

std::string GoalColumn(const Report& report, const CaseResult& result) {
  const Reached reached = GoalReached(report, result);
  std::string text = GoalText(result.of->goal);
  if (reached == Reached::kYes) text = "reached: " + text;
  if (reached == Reached::kNo) text = "MISSED: " + text;
  if (result.torch_milliseconds > 0)
    text +=
        Format("%s%.1f times PyTorch (3 wanted)", text.empty() ? "" : "; ", SharesOf(report, result).torch);
  return text;
}

std::string CaseJson(const Report& report, const CaseResult& result) {
  const Measurement& measured = result.measurement;
  const Shares shares = SharesOf(report, result);
  const Reached reached = GoalReached(report, result);
  const double seconds = measured.times.median / 1e3;
  std::string json = Format("{\"name\": %s", Quoted(result.of->name).c_str());
  json += ", \"shape\": " + Quoted(measured.shape.c_str());
  json += std::string(", \"timed\": ") + TimedJson(measured.timed);
  json += ", \"milliseconds\": " + Number(measured.times.median);
  json +=
      ", \"fastest\": " + Number(measured.times.fastest) + ", \"slowest\": " + Number(measured.times.slowest);
  json += Format(", \"runs\": %d", measured.times.runs);
  json +=
      ", \"bytes\": " + Number(measured.work.bytes) + ", \"operations\": " + Number(measured.work.operations);
  json += ", \"bytesPerSecond\": " + Number(seconds > 0 ? measured.work.bytes / seconds : 0);
  json += ", \"operationsPerSecond\": " + Number(seconds > 0 ? measured.work.operations / seconds : 0);
  json += ", \"copyShare\": " + Number(shares.copy) + ", \"float32Share\": " + Number(shares.float32);
  json += ", \"tf32Share\": " + Number(shares.tf32) + ", \"pinnedShare\": " + Number(shares.pinned);
  json += ", \"recheckedShare\": " +
          (measured.rechecked < 0 ? std::string("null") : Format("%.6g", measured.rechecked));
  json += ", \"torchMilliseconds\": " + Number(result.torch_milliseconds);
  json += ", \"goal\": " + Quoted(GoalText(result.of->goal));
  json += std::string(", \"goalReached\": ") + (reached == Reached::kUnknown ? "null"
                                                : reached == Reached::kYes   ? "true"
                                                                             : "false");
  json += std::string(", \"skipped\": ") + (result.skipped ? "true" : "false");
  json += ", \"error\": " + (result.status.ok() ? std::string("null") : Quoted(result.status.text));
  return json + "}";
}

}  // namespace

void PrintTable(const Report& report) {
  const Ceilings& most = report.ceilings;
  std::printf("measured here: copy %.0f GB/s (read plus written), page-locked to device %.1f GB/s, ",
              most.copy / 1e9, most.pinned / 1e9);
  std::printf("float32 product %.2f TFLOP/s%s, TF32 product ", most.float32 / 1e12,
              most.lower_bound ? " (a plain one of our own, a LOWER BOUND)" : "");
  if (most.tf32 > 0) {
    std::printf("%.1f TFLOP/s\n", most.tf32 / 1e12);
  } else {
    std::printf("not measured (%s)\n", report.description.cublas);
  }
  std::printf("%-22s %-42s %9s %8s %9s %7s %7s %8s %7s %6s %7s  %s\n", "kernel", "shape", "ms", "GB", "GFLOP",
              "GB/s", "of copy", "TFLOP/s", "of f32", "TF32", "of bus", "goal");
  for (const CaseResult& result : report.results) {
    const Measurement& measured = result.measurement;
    if (result.skipped || !result.status.ok()) {
      std::printf("%-22s %s%s\n", result.of->name, result.skipped ? "" : "FAILED: ",
                  result.skipped ? "skipped: no time left" : result.status.text);
      continue;
    }
    const Shares shares = SharesOf(report, result);
    const double seconds = measured.times.median / 1e3;
    std::printf("%-22s %-42s %9.3f %8.3f %9.1f %7.0f %7s %8.2f %7s %6s %7s  %s\n", result.of->name,
                measured.shape.c_str(), measured.times.median, measured.work.bytes / 1e9,
                measured.work.operations / 1e9, measured.work.bytes / 1e9 / seconds,
                Percent(shares.copy).c_str(), measured.work.operations / 1e12 / seconds,
                Percent(shares.float32).c_str(), Percent(shares.tf32).c_str(), Percent(shares.pinned).c_str(),
                GoalColumn(report, result).c_str());
    if (measured.rechecked >= 0)
      std::printf("%-22s %.4f %% of the rows decided again in double\n", "", 100 * measured.rechecked);
  }
}

std::string ToJson(const Report& report) {
  const CudaDescription& found = report.description;
  const CudaDevice& device = found.devices[found.device];
  const Ceilings& most = report.ceilings;
  std::string json = "{\n";
  json += Format("  \"device\": {\"name\": %s, \"computeCapability\": \"%d.%d\", \"multiprocessors\": %d, ",
                 Quoted(device.name).c_str(), device.major, device.minor, device.multiprocessors);
  json += Format("\"memoryBytes\": %llu, \"driver\": %d, \"runtime\": %d, \"cublas\": %s},\n",
                 static_cast<unsigned long long>(device.memory_bytes), found.driver, found.runtime,
                 Quoted(found.cublas).c_str());
  json += std::string("  \"standIn\": ") + (report.stand_in ? "true" : "false");
  json += Format(",\n  \"size\": \"%s\",\n", SizeName(report.setup.size));
  const Reached goals = GoalsReached(report);
  json += std::string("  \"goals\": ") +
          (goals == Reached::kUnknown ? "\"not judged\""
           : goals == Reached::kYes   ? "\"reached\""
                                      : "\"missed\"") +
          ",\n";
  json += "  \"ceilings\": {\"copyBytesPerSecond\": " + Number(most.copy) +
          ", \"pinnedBytesPerSecond\": " + Number(most.pinned) +
          ", \"float32OperationsPerSecond\": " + Number(most.float32) +
          ", \"tf32OperationsPerSecond\": " + Number(most.tf32) +
          ", \"float32IsLowerBound\": " + (most.lower_bound ? "true" : "false") + "},\n  \"cases\": [\n";
  for (std::size_t i = 0; i < report.results.size(); ++i)
    json += "    " + CaseJson(report, report.results[i]) + (i + 1 < report.results.size() ? ",\n" : "\n");
  return json + "  ]\n}\n";
}

}  // namespace alfamix::bench
