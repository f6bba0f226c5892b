// nearestMembers on the device: the CPU's members, ties and empty clusters included.
#include "kernels/nearest_members.h"

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

struct Job {
  std::uint32_t dim, clusters;
  std::vector<float> data, scale, centers;
  std::vector<std::int32_t> index, labels;
  double tolerance = 1e-5;

  NearestMembersParams Params() const {
    NearestMembersParams params;
    params.data = data.data();
    params.index = index.empty() ? nullptr : index.data();
    params.scale = scale.empty() ? nullptr : scale.data();
    params.rows = labels.size();
    params.dim = dim;
    params.centers = centers.data();
    params.clusters = clusters;
    params.labels = labels.data();
    params.tolerance = tolerance;
    return params;
  }
};

Job Make(RandomRows& random, std::uint64_t rows, std::uint32_t dim, std::uint32_t clusters, bool ties,
         bool selected) {
  const std::uint64_t stored = selected ? rows * 2 + 3 : rows;
  Job job{dim,
          clusters,
          ties ? random.Ties(stored * dim) : random.Uniform(stored * dim),
          {},
          ties ? random.Ties(std::size_t{clusters} * dim) : random.Uniform(std::size_t{clusters} * dim),
          {},
          // The last cluster is empty where there are several.
          random.Index(rows, 0, clusters > 1 ? static_cast<std::int32_t>(clusters) - 2 : 0)};
  if (selected) {
    job.index = random.Index(rows, 0, static_cast<std::int32_t>(stored) - 1);
    job.scale = random.Uniform(rows, 2);
  }
  return job;
}

using Kernel = Status (*)(const NearestMembersParams&, std::int32_t*, const JobOptions&);

struct Result {
  Status status;
  std::vector<std::int32_t> members;
};

Result Run(Kernel kernel, const Job& job, Looks* looks = nullptr) {
  Result result{{}, std::vector<std::int32_t>(job.clusters + 1, -77)};
  result.status = kernel(job.Params(), result.members.data(), WithLooks(looks));
  return result;
}

// The rule by itself, with sums in another order: a member within the tolerance (and its rounding) of the
// nearest, and none of those certainly within it before.
bool Right(const Job& job, const std::vector<std::int32_t>& members) {
  const std::uint64_t rows = job.labels.size();
  std::vector<double> distance(rows), smallest(job.clusters, HUGE_VAL);
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::size_t at = job.index.empty() ? i : static_cast<std::size_t>(job.index[i]);
    for (std::uint32_t j = 0; j < job.dim; ++j) {
      const float x =
          job.scale.empty() ? job.data[at * job.dim + j] : job.data[at * job.dim + j] * job.scale[i];
      distance[i] += std::pow(
          static_cast<double>(x) - static_cast<double>(job.centers[std::size_t(job.labels[i]) * job.dim + j]),
          2);
    }
    smallest[job.labels[i]] = std::min(smallest[job.labels[i]], distance[i]);
  }
  for (std::uint32_t k = 0; k < job.clusters; ++k) {
    if (std::isinf(smallest[k])) {
      if (members[k] != -1) return false;
      continue;
    }
    const double slack = 1e-9 * (1 + smallest[k]);
    const std::int32_t member = members[k];
    if (member < 0 || job.labels[member] != static_cast<std::int32_t>(k)) return false;
    if (distance[member] > smallest[k] + job.tolerance + slack) return false;
    for (std::int32_t i = 0; i < member; ++i)
      if (job.labels[i] == static_cast<std::int32_t>(k) && distance[i] < smallest[k] + job.tolerance - slack)
        return false;
  }
  return members.back() == -77;
}

TEST(TheCpusMembersAtEverySize) {
  RandomRows random;
  const struct {
    std::uint64_t rows;
    std::uint32_t dim, clusters;
  } shapes[] = {{1, 1, 1}, {5, 1, 3}, {33, 7, 4}, {100, 9, 200}, {515, 37, 6}, {37, 1027, 5}};
  for (const auto& shape : shapes) {
    for (const bool ties : {false, true}) {
      for (const bool selected : {false, true}) {
        const Job job = Make(random, shape.rows, shape.dim, shape.clusters, ties, selected);
        const Result found = Run(cuda::NearestMembers, job);
        CHECK_OK(found.status);
        CHECK(found.members == Run(NearestMembers, job).members);
        CHECK(Right(job, found.members));
      }
    }
  }
}

TEST(MoreRowsThanOneChunk) {
  RandomRows random;
  const Job job = Make(random, 20001, 13, 40, false, true);
  Looks looks;
  const Result found = Run(cuda::NearestMembers, job, &looks);
  CHECK_OK(found.status);
  CHECK(found.members == Run(NearestMembers, job).members);
  CHECK(looks.last == 20001 && looks.total == 20001 && !looks.falling);
}

TEST(TwoMembersAreATie) {
  RandomRows random;
  Job job{5, 20, random.Uniform(40 * 5), {}, std::vector<float>(20 * 5), {}, {}};
  for (std::int32_t i = 0; i < 40; ++i) job.labels.push_back(i / 2);
  for (std::size_t k = 0; k < 20; ++k)
    for (std::size_t j = 0; j < 5; ++j)
      job.centers[k * 5 + j] = (job.data[k * 10 + j] + job.data[k * 10 + 5 + j]) / 2;
  const Result found = Run(cuda::NearestMembers, job);
  for (std::int32_t k = 0; k < 20; ++k) CHECK(found.members[k] == 2 * k);
}

TEST(TheSameErrors) {
  RandomRows random;
  const auto same = [](const Job& job) {
    const Status expected = Run(NearestMembers, job).status;
    const Status found = Run(cuda::NearestMembers, job).status;
    CHECK(!found.ok() && found.code == expected.code && found.row == expected.row);
    CHECK(std::strcmp(found.text, expected.text) == 0);
  };
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF}) {
    Job job = Make(random, 20001, 13, 4, false, false);
    for (const std::uint64_t row : {19999u, 4711u, 4712u}) job.data[row * 13 + row % 13] = bad;
    same(job);
  }
  for (const std::int32_t label : {4, -1}) {
    Job job = Make(random, 300, 3, 4, false, false);
    job.labels[150] = job.labels[299] = label;
    same(job);
  }
}

TEST(AbortsAndWorksAgain) {
  RandomRows random;
  const Job job = Make(random, 20001, 13, 4, false, false);
  Looks whole;
  CHECK_OK(Run(cuda::NearestMembers, job, &whole).status);
  for (std::uint64_t at = 1; at < whole.count; at += whole.count / 7 + 1) {
    Looks looks;
    looks.refuse_at = at;
    CHECK(Run(cuda::NearestMembers, job, &looks).status.code == Code::kAborted);
  }
  CHECK_OK(Run(cuda::NearestMembers, job).status);
}

}  // namespace
}  // namespace alfamix
