// k-means++ seeds with the device: the rows that the CPU draws for the same seed, and that the law allows.
#include "kernels/kmeans_plus_plus.h"

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
  std::uint32_t dim, clusters;
  std::vector<float> data;
  std::uint32_t factor_dim = 0;
  std::vector<float> factors = {};
  bool largest = false;
  std::uint64_t seed = 1;

  KMeansPlusPlusParams Params() const {
    KMeansPlusPlusParams params;
    params.data = data.data();
    params.rows = data.size() / dim;
    params.dim = dim;
    params.factors = factor_dim == 0 ? nullptr : factors.data();
    params.factor_dim = factor_dim;
    params.clusters = clusters;
    params.first_largest_norm = largest;
    params.seed = seed;
    return params;
  }
  double Distance2(std::int32_t i, std::int32_t j) const {
    const auto dot = [](const std::vector<float>& from, std::uint32_t n, std::int32_t a, std::int32_t b) {
      return Dot(&from[std::size_t(a) * n], &from[std::size_t(b) * n], n);
    };
    if (factor_dim == 0)
      return SquaredDistance(&data[std::size_t(i) * dim], &data[std::size_t(j) * dim], dim);
    const auto product = [&](std::int32_t a, std::int32_t b) {
      return dot(data, dim, a, b) * dot(factors, factor_dim, a, b);
    };
    return std::max(0.0, product(i, i) + product(j, j) - 2 * product(i, j));
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

using Kernel = Status (*)(const KMeansPlusPlusParams&, const PickedRows&, const JobOptions&);

Result Run(Kernel kernel, const Job& job, Looks* looks = nullptr) {
  Result result{
      {}, std::vector<std::int32_t>(job.clusters + 1, -77), std::vector<double>(job.clusters + 1, -77)};
  result.status = kernel(job.Params(), {result.rows.data(), result.distance2.data()}, WithLooks(looks));
  return result;
}

// Different rows, each with its distance to those before it.
bool Right(const Job& job, const Result& result) {
  for (std::uint32_t k = 0; k < job.clusters; ++k) {
    double least = HUGE_VAL;
    for (std::uint32_t before = 0; before < k; ++before) {
      if (result.rows[before] == result.rows[k]) return false;
      least = std::min(least, job.Distance2(result.rows[k], result.rows[before]));
    }
    if (result.distance2[k] != least) return false;
  }
  return result.rows.back() == -77 && result.distance2.back() == -77;
}

void CheckBoth(const Job& job) {
  const Result found = Run(cuda::KMeansPlusPlus, job);
  CHECK(found == Run(KMeansPlusPlus, job));
  CHECK(Right(job, found));
}

TEST(TheRowsOfTheCpuAtEverySize) {
  RandomRows random;
  const struct {
    std::uint32_t rows, dim, clusters;
  } shapes[] = {{1, 1, 1}, {5, 3, 5}, {1500, 7, 40}, {2049, 33, 9}, {100, 1027, 20}};
  for (const auto& shape : shapes) {
    const std::size_t values = std::size_t{shape.rows} * shape.dim;
    for (const std::vector<float>& data : {random.Uniform(values), random.Ties(values, 1)}) {
      Job job{shape.dim, shape.clusters, data};
      job.seed = random.Below(1000000);
      CheckBoth(job);
      job.largest = true;
      job.factor_dim = 5;
      job.factors = random.Uniform(std::size_t{shape.rows} * 5);
      CheckBoth(job);
    }
  }
}

// Most weight on few rows, so that the others are drawn late and have missed many seeds.
std::vector<float> HeavyTailed(RandomRows& random, std::uint32_t rows, std::uint32_t dim) {
  std::vector<float> data = random.Uniform(std::size_t{rows} * dim);
  for (std::uint32_t i = 0; i < rows; ++i) {
    const float scale = std::pow(0.97f, static_cast<float>(i));
    for (std::uint32_t j = 0; j < dim; ++j) data[std::size_t{i} * dim + j] *= scale;
  }
  return data;
}

// Long enough for the device: seeds missed x dimensions beyond some hundred thousand.
TEST(RowsThatMissedManySeeds) {
  RandomRows random;
  Job job{3001, 130, HeavyTailed(random, 160, 3001)};
  job.seed = random.Below(1000000);
  CheckBoth(job);
  job.factor_dim = 517;
  job.factors = random.Uniform(160 * 517);
  CheckBoth(job);
  job.largest = true;
  job.data = random.Ties(160 * 3001, 1);
  CheckBoth(job);
}

TEST(EqualRowsAndZeroRows) {
  Job job{3, 9, std::vector<float>(60, 0.5f)};
  CheckBoth(job);
  job.data.assign(60, 0);
  CheckBoth(job);
  // All of them, of rows so long that one missed seed is work for the device.
  Job whole{140001, 4, std::vector<float>(4 * 140001, 0.5f)};
  whole.data[5] = 1;
  whole.data[140001] = 2;
  CheckBoth(whole);
}

TEST(TheSameErrors) {
  RandomRows random;
  const auto same = [](const Job& job) {
    const Status expected = Run(KMeansPlusPlus, job).status;
    const Status found = Run(cuda::KMeansPlusPlus, job).status;
    CHECK(!found.ok() && found.code == expected.code && found.row == expected.row);
    CHECK(std::strcmp(found.text, expected.text) == 0);
  };
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF}) {
    Job job{13, 3, random.Uniform(20001 * 13)};
    for (const std::uint64_t row : {19999u, 14711u, 14712u}) job.data[row * 13 + row % 13] = bad;
    same(job);
  }
  same({3, 0, random.Uniform(30)});
  same({3, 11, random.Uniform(30)});
}

TEST(ProgressAndAbort) {
  RandomRows random;
  Job job{3001, 130, HeavyTailed(random, 160, 3001)};
  Looks whole;
  CHECK_OK(Run(cuda::KMeansPlusPlus, job, &whole).status);
  CHECK(whole.last == job.clusters && whole.total == job.clusters && !whole.falling);
  for (std::uint64_t at = 1; at < whole.count; at += whole.count / 4 + 1) {
    Looks looks;
    looks.refuse_at = at;
    CHECK(Run(cuda::KMeansPlusPlus, job, &looks).status.code == Code::kAborted);
  }
}

}  // namespace
}  // namespace alfamix
