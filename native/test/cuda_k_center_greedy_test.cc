// Farthest-first on the device: the CPU's picks and distances to the bit, ties included.
#include "cuda/k_center_greedy.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/reduce.h"
#include "cuda/kernels.h"
#include "random_rows.h"

namespace alfamix {
namespace {

using test::Looks;
using test::RandomRows;
using test::WithLooks;

struct Job {
  std::uint32_t dim, budget;
  std::vector<float> data, centers;

  KCenterGreedyParams Params() const {
    KCenterGreedyParams params;
    params.data = data.data();
    params.rows = data.size() / dim;
    params.dim = dim;
    params.centers = centers.data();
    params.center_count = static_cast<std::uint32_t>(centers.size() / dim);
    params.budget = budget;
    return params;
  }
};

struct Result {
  Status status;
  std::vector<std::int32_t> rows;
  std::vector<double> distance2;

  bool operator==(const Result& other) const {
    for (const Status* one : {&status, &other.status}) CHECK_OK(*one);
    return status.ok() && other.status.ok() && rows == other.rows &&
           std::memcmp(distance2.data(), other.distance2.data(), distance2.size() * sizeof(double)) == 0;
  }
};

template <typename Kernel>
Result Run(Kernel&& kernel, const Job& job, Looks* looks = nullptr) {
  Result result{{}, std::vector<std::int32_t>(job.budget + 1, -77), std::vector<double>(job.budget + 1, -77)};
  result.status =
      kernel(job.Params(), PickedRows{result.rows.data(), result.distance2.data()}, WithLooks(looks));
  return result;
}

// The definition: every distance for every pick.
Result Plain(const Job& job) {
  const KCenterGreedyParams params = job.Params();
  Result result{{}, std::vector<std::int32_t>(job.budget + 1, -77), std::vector<double>(job.budget + 1, -77)};
  std::vector<double> distance2(params.rows, HUGE_VAL);
  const auto meet = [&](const float* center) {
    for (std::uint64_t i = 0; i < params.rows; ++i) {
      if (distance2[i] < 0) continue;
      distance2[i] = std::min(distance2[i], SquaredDistance(&job.data[i * job.dim], center, job.dim));
    }
  };
  for (std::uint32_t k = 0; k < params.center_count; ++k) meet(&job.centers[std::size_t{k} * job.dim]);
  for (std::uint32_t pick = 0; pick < job.budget; ++pick) {
    const auto row = std::max_element(distance2.begin(), distance2.end()) - distance2.begin();
    result.rows[pick] = static_cast<std::int32_t>(row);
    result.distance2[pick] = distance2[row];
    distance2[row] = -1;
    meet(&job.data[row * job.dim]);
  }
  return result;
}

// Rows around `clusters` points, near each other.
std::vector<float> Clustered(RandomRows& random, std::uint64_t rows, std::uint32_t dim,
                             std::uint32_t clusters) {
  const std::vector<float> points = random.Uniform(std::size_t{clusters} * dim);
  std::vector<float> data = random.Uniform(rows * dim, 0.05f);
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::size_t at = random.Below(clusters) * dim;
    for (std::uint32_t j = 0; j < dim; ++j) data[i * dim + j] += points[at + j];
  }
  return data;
}

void CheckBoth(const Job& job) {
  const Result found = Run(cuda::KCenterGreedy, job);
  CHECK(found == Run(KCenterGreedy, job));
  CHECK(found == Plain(job));
}

const struct {
  std::uint32_t rows, dim, centers, budget;
} kShapes[] = {{1, 1, 0, 1},    {1, 3, 2, 1},     {7, 5, 0, 7},    {90, 3, 1, 90},  {257, 9, 1, 21},
               {513, 4, 40, 9}, {300, 33, 5, 12}, {64, 130, 0, 9}, {40, 1027, 7, 5}};

TEST(ThePicksOfTheCpuAtEverySize) {
  RandomRows random;
  for (const auto& shape : kShapes) {
    const std::size_t values = std::size_t{shape.rows} * shape.dim;
    const std::size_t center_values = std::size_t{shape.centers} * shape.dim;
    CheckBoth({shape.dim, shape.budget, random.Uniform(values), random.Uniform(center_values)});
    CheckBoth({shape.dim, shape.budget, Clustered(random, shape.rows, shape.dim, 9),
               random.Uniform(center_values, 0.1f)});
    // Ties and duplicates.
    CheckBoth({shape.dim, shape.budget, random.Ties(values, 1), random.Ties(center_values, 1)});
  }
}

TEST(RowsLeftBehindAreCaughtUp) {
  RandomRows random;
  for (const double work : {1.0, 1000.0, 30000.0}) {
    for (const auto& shape : kShapes) {
      const Job job{shape.dim, shape.budget, random.Uniform(std::size_t{shape.rows} * shape.dim),
                    random.Uniform(std::size_t{shape.centers} * shape.dim)};
      const Result found =
          Run([&](const auto& params, const auto& output,
                  const auto& options) { return cuda::KCenterGreedyWithin(work, params, output, options); },
              job);
      CHECK(found == Run(KCenterGreedy, job));
    }
  }
}

TEST(EqualRowsAndZeroRows) {
  Job job{3, 8, std::vector<float>(300 * 3, 0.25f), {}};
  CheckBoth(job);
  CHECK(Run(cuda::KCenterGreedy, job).rows == (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5, 6, 7, -77}));
  job.centers = {0.25f, 0.25f, 0.25f};
  CheckBoth(job);
}

// Distances that float32 can't tell apart, loses, or can't hold.
TEST(WhereFloat32CannotVouch) {
  RandomRows random;
  for (const float scale : {1e-30f, 2e-23f, 1e-22f, 1e-19f, 1e18f, 3e19f, 3e37f}) {
    const Job job{6, 60, random.Uniform(300 * 6, scale), random.Uniform(7 * 6, scale)};
    CheckBoth(job);
  }
  // Centers so near each other that a row's distances to them differ in the last digits of float32, or after.
  for (const float apart : {3e-6f, 1e-7f}) {
    Job job{17, 40, random.Uniform(200 * 17), random.Uniform(30 * 17, apart)};
    for (std::size_t i = 0; i < job.centers.size(); ++i) job.centers[i] += 0.5f;
    CheckBoth(job);
  }
}

TEST(TheSameErrors) {
  RandomRows random;
  const auto same = [](const Job& job) {
    const Status expected = Run(KCenterGreedy, job).status;
    const Status found = Run(cuda::KCenterGreedy, job).status;
    CHECK(!found.ok() && found.code == expected.code && found.row == expected.row);
    CHECK(std::strcmp(found.text, expected.text) == 0);
  };
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF}) {
    Job job{13, 3, random.Uniform(20001 * 13), {}};
    for (const std::uint64_t row : {19999u, 14711u, 14712u}) job.data[row * 13 + row % 13] = bad;
    same(job);
  }
  same({3, 0, random.Uniform(30), {}});
  same({3, 11, random.Uniform(30), {}});
}

TEST(ProgressAndAbort) {
  RandomRows random;
  const Job job{9, 40, random.Uniform(300 * 9), random.Uniform(11 * 9)};
  Looks whole;
  CHECK_OK(Run(cuda::KCenterGreedy, job, &whole).status);
  CHECK(whole.last == job.budget && whole.total == job.budget && !whole.falling);
  for (std::uint64_t at = 1; at < whole.count; at += whole.count / 5 + 1) {
    Looks looks;
    looks.refuse_at = at;
    CHECK(Run(cuda::KCenterGreedy, job, &looks).status.code == Code::kAborted);
  }
  CheckBoth(job);
}

}  // namespace
}  // namespace alfamix
