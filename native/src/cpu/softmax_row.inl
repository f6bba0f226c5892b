// Cross-entropy of a row, its slope along a direction and its residual, operation for operation those of
// packages/core/src/kernels/js/{softmax-objective,elementary}.ts: the C library's exp and log differ from
// system to system.

static const double kLn2High = 0.6931471803691238;
static const double kLn2Low = 1.9082149292705877e-10;

// e^x for x of at most 0; 0 below -708.
static inline double ExpOfNegative(double x) {
  const double kept = x < -708.0 ? -708.0 : x;
  // Added and taken away again, 1.5 * 2^52 leaves the nearest integer; its low bits are that integer.
  const double shifted = kept * 1.4426950408889634 + 0x1.8p52;
  const double k = shifted - 0x1.8p52;
  const double r = kept - k * kLn2High - k * kLn2Low;
  double sum = 1.6059043836821613e-10;
  sum = sum * r + 2.08767569878681e-9;
  sum = sum * r + 2.505210838544172e-8;
  sum = sum * r + 2.755731922398589e-7;
  sum = sum * r + 2.7557319223985893e-6;
  sum = sum * r + 2.48015873015873e-5;
  sum = sum * r + 0.0001984126984126984;
  sum = sum * r + 0.001388888888888889;
  sum = sum * r + 0.008333333333333333;
  sum = sum * r + 0.041666666666666664;
  sum = sum * r + 0.16666666666666666;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return x < -708.0 ? 0.0 : sum * power;
}

// ln x for finite x of at least 1: the method of fdlibm (Sun Microsystems, 1993).
static inline double LogOfLarge(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  double k = static_cast<double>(static_cast<int>(bits >> 52) - 1023);
  bits = (bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
  double fraction;
  memcpy(&fraction, &bits, sizeof fraction);
  if (fraction > 1.4142135623730951) {
    fraction *= 0.5;
    k += 1;
  }
  const double f = fraction - 1;
  const double s = f / (2 + f);
  const double z = s * s;
  const double w = z * z;
  const double even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const double odd = z * (0.6666666666666735 +
                          w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  const double half = 0.5 * f * f;
  return k * kLn2High - (half - (s * (half + (odd + even)) + k * kLn2Low) - f);
}

// ln(1 + x) for finite x of at least 0, without what 1 + x rounds away.
static inline double Log1pOfPositive(double x) {
  const double u = 1 + x;
  return u == 1 ? x : LogOfLarge(u) + (x - (u - 1)) / u;
}

static double SoftmaxRow(const double* logits, const double* slopes, double t, uint32_t classes, uint32_t own,
                         double* residual, double* slope) {
  double max = -INFINITY;
  for (uint32_t c = 0; c < classes; ++c) {
    const double logit = logits[c] + t * slopes[c];
    residual[c] = logit;
    max = logit > max ? logit : max;
  }
  const double own_logit = residual[own] - max;
  for (uint32_t c = 0; c < classes; ++c) residual[c] = ExpOfNegative(residual[c] - max);
  const double own_share = residual[own];
  residual[own] = 0;
  double s[8] = {0};
  uint32_t whole = classes & ~7u;
  for (uint32_t c = 0; c < whole; c += 8) {
    ALFAMIX_UNROLL
    for (int lane = 0; lane < 8; ++lane) s[lane] += residual[c + lane];
  }
  for (uint32_t c = whole; c < classes; ++c) s[c & 7] += residual[c];
  const double others = JoinSums(s);
  // log1p where the row is nearly certain: the small losses of a separable set keep their digits.
  const double total = others + own_share;
  const double value = own_logit == 0 ? Log1pOfPositive(others) : LogOfLarge(total) - own_logit;
  for (uint32_t c = 0; c < classes; ++c) residual[c] /= total;
  // Against the own slope: p_y - 1 is minus the sum of the others, without its cancellation.
  const double own_slope = slopes[own];
  memset(s, 0, sizeof s);
  for (uint32_t c = 0; c < whole; c += 8) {
    ALFAMIX_UNROLL
    for (int lane = 0; lane < 8; ++lane) s[lane] += residual[c + lane] * (slopes[c + lane] - own_slope);
  }
  for (uint32_t c = whole; c < classes; ++c) s[c & 7] += residual[c] * (slopes[c] - own_slope);
  *slope = JoinSums(s);
  residual[own] = -others / total;
  return value;
}
