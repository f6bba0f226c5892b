// k-means, nearest members and row norms on every level, on buffers of exactly the size they may touch.
#include "kernels/kmeans.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/levels.h"
#include "kernels/nearest_members.h"
#include "kernels/normalize_rows.h"

namespace alfamix {
namespace {

std::vector<float> Values(std::size_t count, std::uint64_t seed, float offset = 0) {
  std::vector<float> values(count);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (float& x : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x = static_cast<float>(state >> 40) / static_cast<float>(1u << 23) - 1.0f + offset;
  }
  return values;
}

double Distance2(const float* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t j = 0; j < dim; ++j) {
    const double d = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += d * d;
  }
  return sum;
}

JobOptions Options(int level, int threads) {
  JobOptions options;
  options.level = level;
  options.threads = threads;
  return options;
}

struct Result {
  std::vector<std::int32_t> labels;
  std::vector<float> centers;
  KMeansOutput output;
  Status status;
};

Result Run(const std::vector<float>& data, std::uint32_t dim, std::uint32_t clusters,
           const JobOptions& options, const float* initial = nullptr, std::uint32_t n_init = 1) {
  KMeansParams params;
  params.data = data.data();
  params.rows = data.size() / dim;
  params.dim = dim;
  params.clusters = clusters;
  params.seed = 3;
  params.n_init = n_init;
  params.initial_centers = initial;
  Result result;
  result.labels.assign(params.rows, std::numeric_limits<std::int32_t>::min());
  result.centers.assign(std::size_t{clusters} * dim, std::numeric_limits<float>::quiet_NaN());
  result.output.labels = result.labels.data();
  result.output.centers = result.centers.data();
  result.status = KMeans(params, result.output, options);
  return result;
}

void CheckExact(const std::vector<float>& data, std::uint32_t dim, std::uint32_t clusters,
                const Result& result) {
  CHECK(result.status.ok());
  double inertia = 0;
  for (std::size_t i = 0; i < data.size() / dim; ++i) {
    const std::int32_t k = result.labels[i];
    CHECK(k >= 0 && k < static_cast<std::int32_t>(clusters));
    if (k < 0 || k >= static_cast<std::int32_t>(clusters)) continue;
    const float* row = data.data() + i * dim;
    const double own = Distance2(row, result.centers.data() + static_cast<std::size_t>(k) * dim, dim);
    for (std::size_t c = 0; c < clusters; ++c)
      CHECK(own <= Distance2(row, result.centers.data() + c * dim, dim) * (1 + 1e-9));
    inertia += own;
  }
  CHECK(std::fabs(result.output.inertia - inertia) <= 1e-9 * inertia);
}

std::size_t UsedClusters(const Result& result) {
  std::vector<std::int32_t> labels = result.labels;
  std::sort(labels.begin(), labels.end());
  return static_cast<std::size_t>(std::unique(labels.begin(), labels.end()) - labels.begin());
}

bool Same(const Result& a, const Result& b) {
  return a.labels == b.labels && a.centers.size() == b.centers.size() &&
         std::memcmp(a.centers.data(), b.centers.data(), a.centers.size() * sizeof(float)) == 0 &&
         a.output.inertia == b.output.inertia && a.output.iterations == b.output.iterations;
}

TEST(LabelsAreExact) {
  for (const std::uint32_t dim : {1u, 2u, 7u, 9u, 33u, 70u}) {
    for (const std::size_t rows : {1u, 2u, 31u, 33u, 150u}) {
      for (const std::size_t asked : {1u, 2u, 8u, 17u, 33u, 150u}) {
        for (const float offset : {0.0f, 1000.0f}) {
          const auto clusters = static_cast<std::uint32_t>(std::min(asked, rows));
          const std::vector<float> data = Values(rows * dim, rows + dim, offset);
          const Result first = Run(data, dim, clusters, Options(0, 1));
          CheckExact(data, dim, clusters, first);
          for (int level = 1; level < LevelCount(); ++level)
            CHECK(Same(Run(data, dim, clusters, Options(level, 1)), first));
        }
      }
    }
  }
}

TEST(AsManyClustersAsRows) {
  for (int level = 0; level < LevelCount(); ++level) {
    const std::vector<float> data = Values(37 * 11, 5);
    const Result result = Run(data, 11, 37, Options(level, 2));
    CheckExact(data, 11, 37, result);
    CHECK(UsedClusters(result) == 37);
    CHECK(result.output.inertia == 0);
  }
}

TEST(EmptyClustersAreFilled) {
  for (int level = 0; level < LevelCount(); ++level) {
    // All centers start at one place: all but one are empty after the first pass.
    const std::vector<float> data = Values(60 * 5, 6);
    const std::vector<float> initial(8 * 5, 0.25f);
    const Result result = Run(data, 5, 8, Options(level, 2), initial.data());
    CheckExact(data, 5, 8, result);
    CHECK(UsedClusters(result) == 8);
  }
}

TEST(FewerDistinctRowsThanClusters) {
  for (int level = 0; level < LevelCount(); ++level) {
    std::vector<float> data = Values(40 * 6, 7);
    for (std::size_t i = 3 * 6; i < data.size(); ++i) data[i] = data[i % (3 * 6)];
    const Result result = Run(data, 6, 10, Options(level, 2));
    CheckExact(data, 6, 10, result);
    CHECK(UsedClusters(result) == 3);
    for (const float x : result.centers) CHECK(std::isfinite(x));
  }
}

TEST(ThreadsGiveTheSameResult) {
  const std::vector<float> data = Values(5000 * 67, 8);
  const Result first = Run(data, 67, 20, Options(LevelCount() - 1, 1), nullptr, 2);
  CheckExact(data, 67, 20, first);
  for (const int threads : {2, 5})
    CHECK(Same(Run(data, 67, 20, Options(LevelCount() - 1, threads), nullptr, 2), first));
}

TEST(RowsByIndexAndScaleAreTheirCopy) {
  for (const std::uint32_t dim : {1u, 15u, 16u, 33u}) {
    const std::vector<float> data = Values(std::size_t{80} * dim, dim);
    std::vector<std::int32_t> index;
    std::vector<float> scale;
    std::vector<float> copy;
    for (std::int32_t i = 0; i < 130; ++i) {
      index.push_back(i * 37 % 80);
      scale.push_back(0.5f + static_cast<float>(i % 7));
      for (std::uint32_t j = 0; j < dim; ++j)
        copy.push_back(data[static_cast<std::size_t>(index.back()) * dim + j] * scale.back());
    }
    KMeansParams params;
    params.data = data.data();
    params.index = index.data();
    params.scale = scale.data();
    params.rows = 130;
    params.dim = dim;
    params.clusters = 40;
    params.seed = 3;
    for (const auto algorithm : {KMeansAlgorithm::kLloyd, KMeansAlgorithm::kHartigan}) {
      params.algorithm = algorithm;
      std::vector<Result> results(2);
      for (int level = 0; level < LevelCount(); ++level) {
        for (const bool copied : {false, true}) {
          KMeansParams own = params;
          if (copied) {
            own.data = copy.data();
            own.index = nullptr;
            own.scale = nullptr;
          }
          Result& result = results[copied ? 1 : 0];
          result.labels.assign(130, -9);
          result.centers.assign(std::size_t{40} * dim, 0);
          result.output.labels = result.labels.data();
          result.output.centers = result.centers.data();
          result.status = KMeans(own, result.output, Options(level, 2));
          CHECK(result.status.ok());
        }
        CHECK(Same(results[0], results[1]));
      }
    }
  }
}

bool StopAtThird(void* context, std::uint64_t, std::uint64_t) { return ++*static_cast<int*>(context) < 3; }

TEST(KMeansStopsAndNamesBadRows) {
  std::vector<float> data = Values(5000 * 67, 9);
  for (const int threads : {1, 2, 5}) {
    JobOptions options = Options(LevelCount() - 1, threads);
    int calls = 0;
    options.progress = StopAtThird;
    options.progress_context = &calls;
    CHECK(Run(data, 67, 20, options).status.code == Code::kAborted);
  }
  for (const std::size_t row : {4000u, 777u}) {
    data[row * 67 + 66] = std::numeric_limits<float>::quiet_NaN();
    for (const int threads : {1, 2, 5}) {
      const Status status = Run(data, 67, 20, Options(LevelCount() - 1, threads)).status;
      CHECK(status.code == Code::kNonFinite);
      CHECK(status.row == static_cast<std::int64_t>(row));
    }
  }
}

TEST(NearestMembersTakeTheLowestOfTies) {
  // Cluster 0: rows 1 and 3 are an exact tie, row 0 is farther; 1 is empty; 2: row 2 within the tolerance.
  const std::vector<float> data = {3, 0, 1, 0, 5, 5.001f, -1, 0, 5, 5};
  const std::vector<float> centers = {0, 0, 9, 9, 5, 5};
  const std::vector<std::int32_t> labels = {0, 0, 2, 0, 2};
  NearestMembersParams params;
  params.data = data.data();
  params.rows = 5;
  params.dim = 2;
  params.centers = centers.data();
  params.clusters = 3;
  params.labels = labels.data();
  for (int level = 0; level < LevelCount(); ++level) {
    std::vector<std::int32_t> members(3, -9);
    CHECK(NearestMembers(params, members.data(), Options(level, 2)).ok());
    CHECK((members == std::vector<std::int32_t>{1, -1, 2}));
  }
  params.tolerance = 0;
  std::vector<std::int32_t> members(3, -9);
  CHECK(NearestMembers(params, members.data(), Options(0, 1)).ok());
  CHECK((members == std::vector<std::int32_t>{1, -1, 4}));
}

TEST(NormalizeInPlace) {
  for (const std::uint32_t dim : {1u, 3u, 8u, 33u, 70u}) {
    std::vector<float> data = Values(std::size_t{45} * dim, dim);
    std::fill_n(data.data() + 2 * dim, dim, 0.0f);
    NormalizeRowsParams params;
    params.rows = 45;
    params.dim = dim;
    params.data = data.data();
    std::vector<float> apart(data.size(), std::numeric_limits<float>::quiet_NaN());
    CHECK(NormalizeRows(params, apart.data(), Options(0, 1)).ok());
    for (const int threads : {1, 2, 5}) {
      std::vector<float> in_place = data;
      params.data = in_place.data();
      CHECK(NormalizeRows(params, in_place.data(), Options(LevelCount() - 1, threads)).ok());
      CHECK(std::memcmp(in_place.data(), apart.data(), apart.size() * sizeof(float)) == 0);
    }
    for (std::size_t i = 0; i < 45; ++i) {
      double norm2 = 0;
      for (std::size_t j = 0; j < dim; ++j) norm2 += std::pow(static_cast<double>(apart[i * dim + j]), 2);
      CHECK(i == 2 ? norm2 == 0 : std::fabs(std::sqrt(norm2) - 1) < 1e-6);
    }
  }
}

}  // namespace
}  // namespace alfamix
