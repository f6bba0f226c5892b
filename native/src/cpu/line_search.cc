#include "cpu/line_search.h"

#include <algorithm>
#include <cmath>

namespace alfamix {

namespace {

constexpr double kSufficient = 1e-4;
constexpr double kCurvature = 0.5;
constexpr int kMaxProbes = 30;
// Rounding of the value itself.
constexpr double kValueNoise = 1e-13;

// The minimum of the cubic through both ends' values and slopes, kept off the ends; the middle when it has
// none.
double Interpolate(const LinePoint& a, const LinePoint& b) {
  const double width = b.t - a.t;
  const double d1 = a.slope + b.slope - (3 * (b.value - a.value)) / width;
  const double square = d1 * d1 - a.slope * b.slope;
  double t = a.t + width / 2;
  if (square >= 0 && std::isfinite(square)) {
    const double d2 = (width > 0 ? 1.0 : width < 0 ? -1.0 : width) * std::sqrt(square);
    const double cubic = b.t - width * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2));
    if (std::isfinite(cubic)) t = cubic;
  }
  const double margin = 0.05 * std::fabs(width);
  return std::min(std::max(t, std::min(a.t, b.t) + margin), std::max(a.t, b.t) - margin);
}

}  // namespace

bool LineSearch(SoftmaxObjective& objective, const LinePoint& start, LinePoint* step) {
  const double noise = kValueNoise * std::fabs(start.value);
  LinePoint low = start;  // the best point so far that decreases enough
  LinePoint high;         // the other end of the bracket, once there is one
  bool has_low = false, has_high = false;
  double t = 1;
  for (int probes = 0; probes < kMaxProbes && !objective.aborted(); ++probes) {
    const LinePoint point = objective.Probe(t);
    // Written so that NaN is too high.
    const bool too_high = !(point.value <= start.value + kSufficient * point.t * start.slope + noise);
    if (too_high || (has_low && point.value > low.value + noise)) {
      high = point;
      has_high = true;
    } else if (std::fabs(point.slope) <= -kCurvature * start.slope) {
      *step = point;
      return true;
    } else {
      if (!has_high ? point.slope >= 0 : point.slope * (high.t - low.t) >= 0) {
        high = low;
        has_high = true;
      }
      low = point;
      has_low = true;
    }
    if (!has_high) {
      t = 3 * low.t;
      continue;
    }
    t = Interpolate(low, high);
    if (std::fabs(high.t - low.t) <= 1e-15 * std::max(low.t, high.t)) break;
  }
  *step = low;
  return low.t > 0 && low.value <= start.value;
}

}  // namespace alfamix
