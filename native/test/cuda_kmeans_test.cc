// k-means on the device beside the CPU kernel, on buffers of exactly the size they may touch: the same
// labels, centers, inertia and iterations, to the bit, whatever the shape.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cpu/levels.h"
#include "cuda/kernels.h"
#include "cuda/kmeans_pace.h"
#include "kernels/kmeans.h"
#include "random_rows.h"

namespace alfamix {
namespace {

constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

std::vector<float> Values(std::size_t count, std::uint64_t seed, float offset = 0) {
  std::vector<float> values(count);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  for (float& x : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    x = static_cast<float>(state >> 40) / static_cast<float>(1u << 23) - 1.0f + offset;
  }
  return values;
}

struct Result {
  std::vector<std::int32_t> labels;
  std::vector<float> centers;
  KMeansOutput output;
  Status status;
};

using Kernel = Status (*)(const KMeansParams&, KMeansOutput&, const JobOptions&);

Result Run(Kernel kernel, const KMeansParams& params, const JobOptions& options) {
  Result result;
  result.labels.assign(params.rows, std::numeric_limits<std::int32_t>::min());
  result.centers.assign(std::size_t{params.clusters} * params.dim, kPoison);
  result.output.labels = result.labels.data();
  result.output.centers = result.centers.data();
  result.output.inertia = std::numeric_limits<double>::quiet_NaN();
  result.status = kernel(params, result.output, options);
  return result;
}

JobOptions Options(int level, int threads) {
  JobOptions options;
  options.level = level;
  options.threads = threads;
  return options;
}

bool Same(const Result& a, const Result& b) {
  return a.status.code == b.status.code && a.labels == b.labels &&
         std::memcmp(a.centers.data(), b.centers.data(), a.centers.size() * sizeof(float)) == 0 &&
         a.output.inertia == b.output.inertia && a.output.iterations == b.output.iterations &&
         a.output.converged == b.output.converged;
}

Result OnDevice(const KMeansParams& params) { return Run(cuda::KMeans, params, Options(0, 2)); }

// The device's result, compared with the slowest and the fastest of the CPU's.
Result Compare(const KMeansParams& params) {
  Result result = OnDevice(params);
  CHECK_OK(result.status);
  CHECK(Same(result, Run(KMeans, params, Options(0, 1))));
  CHECK(Same(result, Run(KMeans, params, Options(LevelCount() - 1, 2))));
  return result;
}

KMeansParams Params(const std::vector<float>& data, std::uint32_t dim, std::uint32_t clusters) {
  KMeansParams params;
  params.data = data.data();
  params.rows = data.size() / dim;
  params.dim = dim;
  params.clusters = clusters;
  params.seed = 3;
  return params;
}

std::size_t UsedClusters(const Result& result) {
  std::vector<std::int32_t> labels = result.labels;
  std::sort(labels.begin(), labels.end());
  return static_cast<std::size_t>(std::unique(labels.begin(), labels.end()) - labels.begin());
}

// Labels and inertia by distances in double, apart from any kernel.
void CheckNearest(const KMeansParams& params, const Result& result) {
  double inertia = 0;
  for (std::size_t i = 0; i < params.rows; ++i) {
    const auto distance2 = [&](std::size_t k) {
      double sum = 0;
      for (std::size_t j = 0; j < params.dim; ++j) {
        const double d = static_cast<double>(params.data[i * params.dim + j]) -
                         static_cast<double>(result.centers[k * params.dim + j]);
        sum += d * d;
      }
      return sum;
    };
    CHECK(result.labels[i] >= 0 && static_cast<std::uint32_t>(result.labels[i]) < params.clusters);
    const double own = distance2(static_cast<std::size_t>(result.labels[i]));
    for (std::size_t k = 0; k < params.clusters; ++k) CHECK(own <= distance2(k) * (1 + 1e-9));
    inertia += own;
  }
  CHECK(std::fabs(result.output.inertia - inertia) <= 1e-9 * inertia);
}

TEST(ShapesAreTheCpus) {
  for (const std::uint32_t dim : {1u, 3u, 31u, 33u}) {
    for (const std::size_t rows : {1u, 2u, 31u, 129u}) {
      for (const std::size_t asked : {1u, 9u, 129u}) {
        if (asked > rows && asked != 9) continue;
        const auto clusters = static_cast<std::uint32_t>(std::min(asked, rows));
        // Every other one far from the origin.
        const std::vector<float> data =
            Values(rows * dim, rows + dim, (rows + dim) % 4 == 0 ? 1000.0f : 0.0f);
        const KMeansParams params = Params(data, dim, clusters);
        CheckNearest(params, Compare(params));
      }
    }
  }
}

TEST(ManyPanelsAndTiles) {
  // 1,100 rows: two blocks of seeding sums, five parts of the sort; 140 centers: two panels.
  const std::vector<float> data = Values(1100 * 20, 8);
  KMeansParams params = Params(data, 20, 140);
  params.max_iterations = 2;
  const Result result = Compare(params);
  CHECK(!result.output.converged && result.output.iterations == 2);
}

TEST(PassesOverCentersThatMoved) {
  // 200 centers on well separated groups of rows: few move after the first iterations. Groups 0 ... 9 have no
  // center at first, so that others wander for long.
  std::vector<float> data = Values(600 * 6, 31);
  std::vector<float> initial;
  for (std::size_t i = 0; i < 600; ++i) {
    for (std::size_t j = 0; j < 6; ++j) data[i * 6 + j] += static_cast<float>(i % 200 * (j + 1) % 17 * 2);
    if (i >= 10 && i < 210) initial.insert(initial.end(), data.data() + i * 6, data.data() + (i + 1) * 6);
  }
  KMeansParams params = Params(data, 6, 200);
  params.initial_centers = initial.data();
  const Result result = Compare(params);
  CHECK(result.output.converged && result.output.iterations > 3);
}

TEST(ManyRowsAndBlocks) {
  // 9,300 rows: ten blocks of seeding sums, three blocks of rows that an empty cluster may take.
  std::vector<float> data = Values(9300, 41);
  data[9299] = 5;
  KMeansParams params = Params(data, 1, 2);
  params.max_iterations = 1;
  Compare(params);
  const std::vector<float> initial = {0, 0, 0};
  params.clusters = 3;
  params.initial_centers = initial.data();
  Compare(params);
}

TEST(SmallPiecesGiveTheSame) {
  const std::vector<float> data = Values(300 * 9, 51);
  KMeansParams params = Params(data, 9, 20);
  params.n_init = 2;
  const Result whole = Compare(params);
  const cuda::KMeansSizes sizes = cuda::kmeans_sizes;
  cuda::kmeans_sizes = {512, 1000, 37, 5, 3};
  CHECK(Same(Compare(params), whole));
  params.algorithm = KMeansAlgorithm::kHartigan;
  Compare(params);
  cuda::kmeans_sizes = sizes;
}

TEST(CloseCallsAmongCentersThatMoved) {
  // Two groups far from each other: their shift is in between, and float32 can't tell the centers of one
  // apart.
  std::vector<float> data = Values(260 * 4, 61);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] += i / 4 % 2 == 0 ? 900.0f : -900.0f;
  const std::vector<float> initial(data.begin(), data.begin() + 40 * 4);
  KMeansParams params = Params(data, 4, 40);
  params.initial_centers = initial.data();
  const Result result = Compare(params);
  CHECK(result.output.converged && result.output.iterations > 5);
}

TEST(FreshRows) {
  test::RandomRows random;
  for (int round = 0; round < 4; ++round) {
    const auto dim = static_cast<std::uint32_t>(1 + random.Below(70));
    const std::size_t rows = 1 + random.Below(400);
    const auto clusters = static_cast<std::uint32_t>(1 + random.Below(std::min<std::size_t>(rows, 70)));
    const std::vector<float> data = round % 2 == 0 ? random.Uniform(rows * dim) : random.Ties(rows * dim);
    KMeansParams params = Params(data, dim, clusters);
    params.seed = random.Below(1 << 20);
    params.max_iterations = 6;
    Compare(params);
  }
}

TEST(AsManyClustersAsRows) {
  const std::vector<float> data = Values(150 * 11, 5);
  const Result result = Compare(Params(data, 11, 150));
  CHECK(UsedClusters(result) == 150);
  CHECK(result.output.inertia == 0);
}

TEST(EmptyClustersTakeTheFarthestRows) {
  const std::vector<float> data = Values(600 * 5, 6);
  // All centers start at one place: all but one are empty after the first pass.
  const std::vector<float> initial(40 * 5, 0.25f);
  KMeansParams params = Params(data, 5, 40);
  params.initial_centers = initial.data();
  CHECK(UsedClusters(Compare(params)) == 40);
}

TEST(FewerDistinctRowsThanClusters) {
  std::vector<float> data = Values(140 * 6, 7);
  for (std::size_t i = 3 * 6; i < data.size(); ++i) data[i] = data[i % (3 * 6)];
  const Result result = Compare(Params(data, 6, 10));
  CHECK(UsedClusters(result) == 3);
}

TEST(TiesGoToTheLowestCenter) {
  // A grid of whole numbers between centers of whole numbers: every other row is an exact tie.
  std::vector<float> data;
  for (int i = 0; i < 300; ++i) {
    data.push_back(static_cast<float>(i % 20));
    data.push_back(static_cast<float>(i / 20));
  }
  std::vector<float> initial;
  for (int k = 0; k < 10; ++k) {
    initial.push_back(static_cast<float>(k * 2));
    initial.push_back(7.0f);
  }
  KMeansParams params = Params(data, 2, 10);
  params.initial_centers = initial.data();
  Compare(params);
}

TEST(UnitRowsWithTriesAndSeeds) {
  const std::uint32_t dim = 24;
  std::vector<float> data = Values(300 * dim, 12);
  for (std::size_t i = 0; i < 300; ++i) {
    double norm2 = 0;
    for (std::size_t j = 0; j < dim; ++j) norm2 += std::pow(static_cast<double>(data[i * dim + j]), 2);
    for (std::size_t j = 0; j < dim; ++j) data[i * dim + j] /= static_cast<float>(std::sqrt(norm2));
  }
  for (const std::uint64_t seed : {0u, 1u}) {
    KMeansParams params = Params(data, dim, 40);
    params.seed = seed;
    params.n_init = seed == 1 ? 3 : 1;
    CheckNearest(params, Compare(params));
  }
}

TEST(RowsByIndexAndScaleAreTheirCopy) {
  for (const std::uint32_t dim : {1u, 33u}) {
    const std::vector<float> data = Values(std::size_t{80} * dim, dim);
    std::vector<std::int32_t> index;
    std::vector<float> scale;
    std::vector<float> copy;
    for (std::int32_t i = 0; i < 130; ++i) {
      index.push_back(i * 37 % 80);
      scale.push_back(0.5f + static_cast<float>(i % 7) * 0.3f);
      for (std::uint32_t j = 0; j < dim; ++j)
        copy.push_back(data[static_cast<std::size_t>(index.back()) * dim + j] * scale.back());
    }
    for (const auto algorithm : {KMeansAlgorithm::kLloyd, KMeansAlgorithm::kHartigan}) {
      KMeansParams params = Params(data, dim, 40);
      params.rows = 130;
      params.index = index.data();
      params.scale = scale.data();
      params.algorithm = algorithm;
      KMeansParams copied = Params(copy, dim, 40);
      copied.algorithm = algorithm;
      CHECK(Same(Compare(params), Compare(copied)));
    }
  }
}

TEST(HartigansMovesWithTries) {
  const std::vector<float> data = Values(400 * 9, 21);
  KMeansParams params = Params(data, 9, 90);
  params.algorithm = KMeansAlgorithm::kHartigan;
  params.n_init = 3;
  Compare(params);
  params.max_iterations = 1;
  Compare(params);
}

TEST(HugeAndTinyValuesAreDecidedInDouble) {
  for (const float factor : {1e19f, 1e30f, 1e-30f, 1e-38f}) {
    std::vector<float> data = Values(90 * 7, 13);
    for (float& x : data) x *= factor;
    CheckNearest(Params(data, 7, 12), Compare(Params(data, 7, 12)));
  }
}

TEST(BadRowsAreNamed) {
  for (const float bad : {kPoison, HUGE_VALF}) {
    std::vector<float> data = Values(300 * 17, 9);
    data[250 * 17 + 16] = bad;
    data[77 * 17] = -bad;
    const KMeansParams params = Params(data, 17, 5);
    const Status expected = Run(KMeans, params, Options(0, 1)).status;
    const Status status = OnDevice(params).status;
    CHECK(status.code == Code::kNonFinite && status.row == 77);
    CHECK(std::strcmp(status.text, expected.text) == 0);
  }
  std::vector<float> initial = {0, 1, kPoison, 2};
  const std::vector<float> data = Values(10 * 2, 1);
  KMeansParams params = Params(data, 2, 2);
  params.initial_centers = initial.data();
  CHECK(OnDevice(params).status.code == Code::kNonFinite);
  CHECK(OnDevice(Params(data, 2, 11)).status.code == Code::kInvalidArgument);
}

TEST(AbortsAndReportsProgress) {
  const std::vector<float> data = Values(140 * 4, 15);
  for (const auto algorithm : {KMeansAlgorithm::kLloyd, KMeansAlgorithm::kHartigan}) {
    KMeansParams params = Params(data, 4, 12);
    params.algorithm = algorithm;
    params.n_init = 2;
    test::Looks looks;
    const Result result = Run(cuda::KMeans, params, test::WithLooks(&looks));
    CHECK(Same(result, Run(KMeans, params, Options(0, 1))));
    CHECK(!looks.falling && looks.last > looks.total / 2 && looks.last <= looks.total);
    const std::uint64_t asked = looks.count;
    CHECK(asked > 50);
    for (std::uint64_t refused = 1; refused < asked; refused += asked / 9 + 1) {
      looks = {};
      looks.refuse_at = refused;
      CHECK(Run(cuda::KMeans, params, test::WithLooks(&looks)).status.code == Code::kAborted);
    }
    CHECK(Same(OnDevice(params), result));
  }
}

}  // namespace
}  // namespace alfamix
