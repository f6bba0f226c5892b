// The fit of a softmax on every level and with threads: one result, a minimum, on buffers of exactly the size
// it may touch.
#include "kernels/fit_softmax.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/levels.h"

namespace alfamix {
namespace {

struct Case {
  std::vector<double> data;
  std::vector<std::int32_t> labels, folds;
  std::uint32_t dim, classes, fold_count;
};

Case MakeCase(std::uint64_t rows, std::uint32_t dim, std::uint32_t classes, std::uint32_t folds) {
  Case made{std::vector<double>(rows * dim), {}, {}, dim, classes, folds};
  std::uint64_t state = 7;
  for (std::uint64_t i = 0; i < rows; ++i) {
    made.labels.push_back(static_cast<std::int32_t>(i % classes));
    made.folds.push_back(static_cast<std::int32_t>(i / classes % folds));
    for (std::uint32_t j = 0; j < dim; ++j) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      made.data[i * dim + j] =
          static_cast<double>(state >> 40) / (1u << 23) - 1 + (j % classes == i % classes);
    }
  }
  return made;
}

struct Fitted {
  std::vector<double> solution, loss;
  std::vector<std::int32_t> right;
  FitSoftmaxOutput output;
  Status status;
};

const double kRidges[] = {10, 1, 0.1};

Fitted Run(const Case& job, const JobOptions& options, bool with_folds = true) {
  FitSoftmaxParams params;
  params.data = job.data.data();
  params.rows = job.labels.size();
  params.dim = job.dim;
  params.labels = job.labels.data();
  params.classes = job.classes;
  params.ridges = kRidges;
  params.ridge_count = with_folds ? 3 : 1;
  if (with_folds) params.folds = job.folds.data();
  if (with_folds) params.fold_count = job.fold_count;
  Fitted fitted;
  fitted.solution.resize((job.dim + 1) * job.classes);
  fitted.right.resize(3);
  fitted.loss.resize(3);
  fitted.output.solution = fitted.solution.data();
  fitted.output.right = fitted.right.data();
  fitted.output.loss = fitted.loss.data();
  fitted.status = FitSoftmax(params, &fitted.output, options);
  return fitted;
}

JobOptions Options(int level, int threads) {
  JobOptions options;
  options.level = level;
  options.threads = threads;
  return options;
}

TEST(EveryLevelAndAnyThreadsGiveTheSameBytes) {
  for (const Case& job : {MakeCase(60, 5, 3, 4), MakeCase(37, 33, 9, 2), MakeCase(230, 70, 25, 5)}) {
    const Fitted expected = Run(job, Options(0, 1));
    CHECK(expected.status.ok());
    for (int level = 0; level < LevelCount(); ++level) {
      for (const int threads : {1, 3}) {
        const Fitted found = Run(job, Options(level, threads));
        CHECK(found.status.ok());
        CHECK(found.solution == expected.solution);
        CHECK(found.right == expected.right);
        CHECK(found.loss == expected.loss);
        CHECK(found.output.ridge == expected.output.ridge);
        CHECK(found.output.iterations == expected.output.iterations);
      }
    }
  }
}

TEST(TheGradientOfTheBiasIsZeroAtTheSolution) {
  const Case job = MakeCase(90, 6, 4, 3);
  const Fitted fitted = Run(job, Options(LevelCount() - 1, 2), false);
  CHECK(fitted.status.ok());
  std::vector<double> sum(job.classes);
  for (std::size_t i = 0; i < job.labels.size(); ++i) {
    std::vector<double> p(job.classes);
    double total = 0;
    for (std::uint32_t c = 0; c < job.classes; ++c) {
      double logit = fitted.solution[job.dim * job.classes + c];
      for (std::uint32_t j = 0; j < job.dim; ++j)
        logit += job.data[i * job.dim + j] * fitted.solution[j * job.classes + c];
      total += p[c] = std::exp(logit);
    }
    for (std::uint32_t c = 0; c < job.classes; ++c)
      sum[c] += p[c] / total - (static_cast<std::int32_t>(c) == job.labels[i]);
  }
  for (const double s : sum) CHECK(std::fabs(s) < 1e-3);
}

TEST(StopsWhenAsked) {
  JobOptions options = Options(LevelCount() - 1, 2);
  options.progress = [](void*, std::uint64_t, std::uint64_t) { return false; };
  CHECK(Run(MakeCase(120, 20, 6, 5), options).status.code == Code::kAborted);
}

TEST(RefusesWhatItCantFit) {
  Case job = MakeCase(20, 3, 2, 2);
  job.labels[5] = 2;
  CHECK(Run(job, Options(0, 1)).status.code == Code::kInvalidArgument);
  job = MakeCase(20, 3, 2, 2);
  job.folds[5] = -2;
  CHECK(Run(job, Options(0, 1)).status.code == Code::kInvalidArgument);
  job = MakeCase(20, 3, 2, 2);
  job.data[3 * 7 + 1] = NAN;
  const Fitted fitted = Run(job, Options(0, 1));
  CHECK(fitted.status.code == Code::kNonFinite);
  CHECK(fitted.status.row == 7);
}

}  // namespace
}  // namespace alfamix
