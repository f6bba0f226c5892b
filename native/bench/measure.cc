#include "bench/measure.h"

namespace alfamix::bench {

std::uint64_t Setup::Rows(std::uint64_t full, std::uint64_t smoke, double device_row_bytes,
                          double host_row_bytes) const {
  if (size == Size::kSmoke) return smoke;
  double rows = static_cast<double>(size == Size::kQuick ? full / 8 : full);
  if (device_row_bytes > 0) rows = std::min(rows, 0.7 * static_cast<double>(device_bytes) / device_row_bytes);
  if (host_row_bytes > 0) rows = std::min(rows, 0.4 * static_cast<double>(host_bytes) / host_row_bytes);
  return std::max<std::uint64_t>(smoke, static_cast<std::uint64_t>(rows));
}

Times Summary(std::vector<double> milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  const std::size_t n = milliseconds.size();
  return {(milliseconds[(n - 1) / 2] + milliseconds[n / 2]) / 2, milliseconds.front(), milliseconds.back(),
          static_cast<int>(n)};
}

std::size_t Rotations(const Setup& setup, double input_bytes) {
  if (setup.size == Size::kSmoke) return 2;
  const double needed = 4 * static_cast<double>(setup.cache_bytes) / std::max(input_bytes, 1.0);
  return std::clamp<std::size_t>(static_cast<std::size_t>(needed) + 1, 1, 64);
}

std::string Grouped(std::uint64_t count) {
  const std::string digits = std::to_string(count);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace alfamix::bench
