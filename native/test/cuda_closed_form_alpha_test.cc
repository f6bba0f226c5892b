// closedFormAlpha on the device: the CPU's bytes.
#include "kernels/closed_form_alpha.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cuda/kernels.h"
#include "random_rows.h"

namespace alfamix {
namespace {

using test::Looks;
using test::RandomRows;
using test::WithLooks;

constexpr float kPoison = 12345.678f;

struct Job {
  std::uint64_t rows;
  std::uint32_t dim, anchor_count;
  std::vector<float> data, anchors, gradient, caps;
  std::vector<std::int32_t> index;
  double cap = 0.3;

  Job(RandomRows& random, std::uint64_t rows, std::uint32_t dim, std::uint32_t anchor_count, bool each)
      : rows(rows),
        dim(dim),
        anchor_count(anchor_count),
        data(random.Uniform(rows * dim)),
        anchors(random.Uniform(std::size_t{anchor_count} * dim)),
        gradient(random.Uniform(rows * dim, 1e-3f)),
        caps(each ? random.Uniform(rows) : std::vector<float>()),
        index(random.Index(rows, -1, static_cast<std::int32_t>(anchor_count) - 1)) {
    // Coincident dimensions, zero gradients, whole rows of them.
    for (std::uint64_t i = 0; i < rows; ++i) {
      for (std::uint32_t j = 0; j < dim; ++j) {
        const std::size_t at = i * dim + j;
        if (at % 3 == 0 && index[i] >= 0) data[at] = anchors[std::size_t(index[i]) * dim + j];
        if (at % 7 == 0 || i % 11 == 3) gradient[at] = 0;
        if (at % 13 == 0) gradient[at] *= 1e-30f;
        if (at % 17 == 0 && index[i] >= 0)
          data[at] = std::nextafter(anchors[std::size_t(index[i]) * dim + j], 2.0f);
      }
      if (i % 23 == 5 && index[i] >= 0)
        std::memcpy(&data[i * dim], &anchors[std::size_t(index[i]) * dim], dim * sizeof(float));
    }
  }
  ClosedFormAlphaParams Params() const {
    ClosedFormAlphaParams params;
    params.data = data.data();
    params.rows = rows;
    params.dim = dim;
    params.anchors = anchors.data();
    params.anchor_count = anchor_count;
    params.anchor_index = index.data();
    params.gradient = gradient.data();
    params.cap = cap;
    params.caps = caps.empty() ? nullptr : caps.data();
    return params;
  }
};

using Kernel = Status (*)(const ClosedFormAlphaParams&, float*, const JobOptions&);

struct Result {
  Status status;
  std::vector<float> alpha;
};

Result Run(Kernel kernel, const Job& job, Looks* looks = nullptr) {
  Result result{{}, std::vector<float>(job.rows * job.dim + 1, kPoison)};
  result.status = kernel(job.Params(), result.alpha.data(), WithLooks(looks));
  return result;
}

bool SameBytes(const Result& a, const Result& b) {
  return std::memcmp(a.alpha.data(), b.alpha.data(), a.alpha.size() * sizeof(float)) == 0;
}

// Equation 6 itself, summed in another order.
bool Right(const Job& job, const Result& result) {
  for (std::uint64_t i = 0; i < job.rows; ++i) {
    double distance2 = 0, norm2 = 0;
    const float* z = &job.data[i * job.dim];
    const float* g = &job.gradient[i * job.dim];
    const float* anchor = job.index[i] < 0 ? z : &job.anchors[std::size_t(job.index[i]) * job.dim];
    for (std::uint32_t j = 0; j < job.dim; ++j) {
      distance2 += std::pow(static_cast<double>(anchor[j]) - static_cast<double>(z[j]), 2);
      norm2 += static_cast<double>(g[j]) * static_cast<double>(g[j]);
    }
    const double cap = job.caps.empty() ? job.cap : static_cast<double>(job.caps[i]);
    for (std::uint32_t j = 0; j < job.dim; ++j) {
      const double delta = static_cast<double>(anchor[j]) - static_cast<double>(z[j]);
      const double numerator =
          norm2 > 0 ? cap * std::sqrt(distance2 / (norm2 * job.dim)) * static_cast<double>(g[j]) : 0;
      const double expected = delta == 0 ? 0 : numerator / delta;
      const double error = std::fabs(static_cast<double>(result.alpha[i * job.dim + j]) - expected);
      if (std::fabs(expected) < 3e38 && !(error <= std::fabs(expected) * 1e-7 + 1e-44)) return false;
    }
  }
  return result.alpha.back() == kPoison;
}

TEST(TheCpusBytesAtEverySize) {
  RandomRows random;
  const struct {
    std::uint64_t rows;
    std::uint32_t dim, anchors;
  } shapes[] = {{1, 1, 1}, {1, 8, 1}, {2, 7, 3}, {33, 9, 2}, {100, 37, 5}, {259, 64, 7}, {31, 1027, 3}};
  for (const auto& shape : shapes) {
    for (const bool each : {false, true}) {
      const Job job(random, shape.rows, shape.dim, shape.anchors, each);
      const Result found = Run(cuda::ClosedFormAlpha, job);
      CHECK_OK(found.status);
      CHECK(SameBytes(Run(ClosedFormAlpha, job), found));
      CHECK(Right(job, found));
    }
  }
}

TEST(MoreRowsThanOneChunk) {
  RandomRows random;
  const Job job(random, 9001, 13, 4, true);
  Looks looks;
  const Result found = Run(cuda::ClosedFormAlpha, job, &looks);
  CHECK_OK(found.status);
  CHECK(Right(job, found));
  CHECK(SameBytes(Run(ClosedFormAlpha, job), found));
  CHECK(looks.last == job.rows && looks.total == job.rows && !looks.falling);
}

TEST(HugeScalesAndOddGradients) {
  RandomRows random;
  Job job(random, 60, 11, 2, false);
  job.cap = 1e37;  // alphas beyond float32, of either sign
  for (std::size_t i = 0; i < 11; ++i) job.gradient[33 + i] = i % 2 ? 1e-45f : 0.0f;
  job.gradient[55] = std::numeric_limits<float>::quiet_NaN();
  job.gradient[66] = HUGE_VALF;
  CHECK(SameBytes(Run(ClosedFormAlpha, job), Run(cuda::ClosedFormAlpha, job)));
}

TEST(NoAnchorsNoRows) {
  RandomRows random;
  Job job(random, 30, 5, 1, false);
  job.anchor_count = 0;
  job.index.assign(30, -1);
  const Result found = Run(cuda::ClosedFormAlpha, job);
  CHECK_OK(found.status);
  for (std::size_t i = 0; i < 150; ++i) CHECK(found.alpha[i] == 0 && !std::signbit(found.alpha[i]));
  CHECK_OK(Run(cuda::ClosedFormAlpha, Job(random, 0, 5, 1, false)).status);
}

TEST(TheSameErrors) {
  RandomRows random;
  const auto same = [](const Job& job) {
    const Status expected = Run(ClosedFormAlpha, job).status;
    const Status found = Run(cuda::ClosedFormAlpha, job).status;
    CHECK(!found.ok() && found.code == expected.code && found.row == expected.row);
    CHECK(std::strcmp(found.text, expected.text) == 0);
  };
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF, -HUGE_VALF}) {
    Job job(random, 9001, 13, 4, false);
    for (const std::uint64_t row : {8999u, 4711u, 4712u}) job.data[row * 13 + row % 13] = bad;
    // Also where the row isn't mixed.
    job.index[4711] = -1;
    same(job);
  }
  for (const std::int32_t index : {4, -2}) {
    Job job(random, 200, 3, 4, true);
    job.index[150] = job.index[199] = index;
    same(job);
  }
}

TEST(AbortsAndWorksAgain) {
  RandomRows random;
  const Job job(random, 9001, 13, 4, false);
  Looks whole;
  CHECK_OK(Run(cuda::ClosedFormAlpha, job, &whole).status);
  for (std::uint64_t at = 1; at < whole.count; at += whole.count / 7 + 1) {
    Looks looks;
    looks.refuse_at = at;
    CHECK(Run(cuda::ClosedFormAlpha, job, &looks).status.code == Code::kAborted);
  }
  CHECK_OK(Run(cuda::ClosedFormAlpha, job).status);
}

}  // namespace
}  // namespace alfamix
