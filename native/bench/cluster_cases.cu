// k-means and the samplers, on rows around 2,000 centers.
//
// An iteration of k-means is timed on the device, a first one: every center is new to every row, every row
// joins a cluster, so the assignment is of all rows to all centers and the update is of all means. The
// iterations of a whole call look at centers that moved only: kmeans/later, by the difference of calls with
// more and with fewer of them, where what both do (the transfer, the check of the rows) drops out. The
// seeding in the same way.
#include <memory>

#include "bench/cases.h"
#include "bench/check_results.h"
#include "bench/data.h"
#include "bench/whole_call.h"
#include "cuda/kernels.h"
#include "cuda/kmeans_assign.h"
#include "cuda/kmeans_clusters.h"
#include "cuda/kmeans_rows.h"

namespace alfamix::bench {

namespace {

constexpr std::uint32_t kDim = 512;

std::string Shape(std::uint64_t rows, const char* name, std::uint32_t count, std::uint32_t dim = kDim) {
  return Grouped(rows) + " x " + std::to_string(dim) + ", " + name + " = " + Grouped(count);
}

std::uint64_t Rows(const Setup& setup) { return setup.Rows(1000000, 150, 6.0 * kDim, 6.0 * kDim); }

struct Clusters {
  Clusters(std::uint64_t rows, std::uint32_t clusters)
      : data(HostValues(rows, kDim, Values::kClustered, 7)),
        labels(rows),
        centers(clusters * std::size_t{kDim}) {
    params.data = data.data();
    params.rows = rows;
    params.dim = kDim;
    params.clusters = clusters;
    params.seed = 11;
    params.n_init = 1;
  }
  // What the last call left.
  Status Check() const {
    return CheckLabels(data.data(), params.rows, kDim, labels.data(), centers.data(), params.clusters);
  }
  // Milliseconds, by the host's clock.
  double Time(std::uint32_t iterations, bool seeded, Status* status, std::uint32_t* made) {
    params.max_iterations = iterations;
    params.initial_centers = seeded ? data.data() : nullptr;  // the first rows
    output.labels = labels.data();
    output.centers = centers.data();
    const auto started = std::chrono::steady_clock::now();
    *status = cuda::KMeans(params, output, AllThreads());
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - started;
    *made = output.iterations;
    return took.count();
  }

  std::vector<float> data;
  std::vector<std::int32_t> labels;
  std::vector<float> centers;
  KMeansParams params;
  KMeansOutput output;
};

// How much longer a call takes than another, in milliseconds for each of `steps`, as a median of pairs.
template <typename Longer, typename Shorter>
Times TimeDifference(const Setup& setup, double steps, Longer&& longer, Shorter&& shorter) {
  const int pairs = setup.size == Size::kSmoke ? 1 : setup.size == Size::kQuick ? 3 : 5;
  std::vector<double> differences;
  for (int pair = setup.size == Size::kSmoke ? 0 : -1; pair < pairs; ++pair) {
    // A millionth where noise is larger than the difference: it happens at the smallest sizes.
    const double difference = std::max((longer() - shorter()) / steps, 1e-6);
    if (pair >= 0) differences.push_back(difference);
  }
  return Summary(std::move(differences));
}

Status MakeClusters(const Setup& setup, std::unique_ptr<Clusters>* problem, Measurement* out) {
  const std::uint64_t rows = Rows(setup);
  const std::uint32_t clusters = setup.size == Size::kSmoke ? 20 : 1000;
  out->shape = Shape(rows, "K", clusters);
  return cuda::Guarded(JobOptions(), [&] {
    *problem = std::make_unique<Clusters>(rows, clusters);
    return Status::Ok();
  });
}

Status KMeansIterationCase(const Setup& setup, Measurement* out) {
  std::unique_ptr<Clusters> problem;
  Status status = MakeClusters(setup, &problem, out);
  if (!status.ok()) return status;
  const KMeansParams& params = problem->params;
  out->work = KMeansIterationWork(static_cast<double>(params.rows), kDim, params.clusters);
  const JobOptions options = AllThreads();
  return cuda::Guarded(options, [&] {
    const cuda::Stream stream;
    cuda::KMeansPace pace(options, 1, stream);
    cuda::KMeansDeviceRows rows(params, options, stream, pace);
    const cuda::QuietStream quiet{stream};
    Status uploaded = rows.Upload();
    if (!uploaded.ok()) return uploaded;
    cuda::KMeansDeviceClusters clusters(rows, params.clusters, stream, pace);
    cuda::KMeansDeviceAssign assign(rows, params.clusters, stream, pace);
    const cuda::DeviceBuffer<std::int32_t> to(params.rows);
    out->times = TimeOnDevice(
        setup, stream,
        [&](int) {
          assign.Run(clusters.centers().get(), clusters.labels(), to.get());
          clusters.Apply(to.get());
          clusters.FillEmpty(assign.others());
          clusters.Average();
        },
        [&] {
          clusters.Begin();
          assign.Reset();
          rows.CopyCentersIn(params.data, params.clusters, clusters.centers());  // the first rows
        });
    std::vector<std::int32_t> found(params.rows);
    cuda::CopyFromDevice(found.data(), to.get(), found.size(), stream);
    stream.Synchronize();
    return CheckLabels(params.data, params.rows, kDim, found.data(), params.data, params.clusters);
  });
}

Status KMeansLaterIterationCase(const Setup& setup, Measurement* out) {
  std::unique_ptr<Clusters> problem;
  Status status = MakeClusters(setup, &problem, out);
  out->timed = Timed::kDifference;
  if (!status.ok()) return status;
  constexpr std::uint32_t kFew = 2;
  const std::uint32_t many = setup.size == Size::kSmoke ? 3 : 10;
  std::uint32_t made_few = 0;
  std::uint32_t made_many = 0;
  out->times = TimeDifference(
      setup, many - kFew, [&] { return status.ok() ? problem->Time(many, true, &status, &made_many) : 0; },
      [&] { return status.ok() ? problem->Time(kFew, true, &status, &made_few) : 0; });
  if (status.ok() && setup.size != Size::kSmoke && (made_many != many || made_few != kFew))
    return Status::Error(Code::kInternal, "k-means converged after %u of %u iterations: nothing to time",
                         made_many, many);
  out->work = KMeansIterationWork(static_cast<double>(problem->params.rows), kDim, problem->params.clusters);
  return status.ok() ? problem->Check() : status;
}

Status KMeansSeedingCase(const Setup& setup, Measurement* out) {
  std::unique_ptr<Clusters> problem;
  Status status = MakeClusters(setup, &problem, out);
  out->timed = Timed::kDifference;
  if (!status.ok()) return status;
  std::uint32_t made = 0;
  out->times = TimeDifference(
      setup, 1, [&] { return status.ok() ? problem->Time(1, false, &status, &made) : 0; },
      [&] { return status.ok() ? problem->Time(1, true, &status, &made) : 0; });
  out->work = KMeansSeedingWork(static_cast<double>(problem->params.rows), kDim, problem->params.clusters);
  return status.ok() ? problem->Check() : status;
}

Status NearestMembersCase(const Setup& setup, Measurement* out) {
  std::unique_ptr<Clusters> problem;
  std::vector<std::int32_t> members;
  out->work = {};
  const Status status = MakeClusters(setup, &problem, out);
  if (!status.ok()) return status;
  const auto& clusters = problem->params;
  members.resize(clusters.clusters);
  for (std::uint64_t i = 0; i < clusters.rows; ++i)
    problem->labels[i] = static_cast<std::int32_t>((i * 2654435761u >> 9) % clusters.clusters);
  out->work = NearestMembersWork(static_cast<double>(clusters.rows), kDim, clusters.clusters);
  return TimeWholeCalls(
      setup, out, [] {},
      [&] {
        NearestMembersParams params;
        params.data = problem->data.data();
        params.rows = clusters.rows;
        params.dim = kDim;
        params.centers = problem->data.data();
        params.clusters = clusters.clusters;
        params.labels = problem->labels.data();
        return cuda::NearestMembers(params, members.data(), AllThreads());
      });
}

Status KCenterGreedyCase(const Setup& setup, Measurement* out) {
  const std::uint64_t rows = Rows(setup);
  const std::uint32_t count = setup.size == Size::kSmoke ? 5 : 100;
  std::vector<float> data, centers;
  std::vector<std::int32_t> picks(count);
  std::vector<double> distances(count);
  out->shape = Shape(rows, "centers and budget", count);
  out->work = KCenterGreedyWork(static_cast<double>(rows), kDim, count, count);
  return TimeWholeCalls(
      setup, out,
      [&] {
        data = HostValues(rows, kDim, Values::kClustered, 7);
        centers = HostValues(count, kDim, Values::kClustered, 8);
      },
      [&] {
        KCenterGreedyParams params;
        params.data = data.data();
        params.rows = rows;
        params.dim = kDim;
        params.centers = centers.data();
        params.center_count = count;
        params.budget = count;
        return cuda::KCenterGreedy(params, {picks.data(), distances.data()}, AllThreads());
      });
}

// An algorithm of the host, of which the device has a share: draws of rows that missed so many seeds that
// 2^17 multiply-adds are due. These sizes have such draws.
Status KMeansPlusPlusCase(const Setup& setup, Measurement* out) {
  const std::uint64_t rows = Rows(setup);
  const std::uint32_t dim = setup.size == Size::kSmoke ? 3001 : kDim;
  const std::uint32_t count = setup.size == Size::kSmoke ? 80 : 1000;
  std::vector<float> data;
  std::vector<std::int32_t> picks(count);
  std::vector<double> distances(count);
  out->shape = Shape(rows, "picks", count, dim);
  out->work = KMeansPlusPlusWork(static_cast<double>(rows), dim, count);
  return TimeWholeCalls(
      setup, out, [&] { data = HostValues(rows, dim, Values::kClustered, 7); },
      [&] {
        KMeansPlusPlusParams params;
        params.data = data.data();
        params.rows = rows;
        params.dim = dim;
        params.clusters = count;
        params.seed = 5;
        return cuda::KMeansPlusPlus(params, {picks.data(), distances.data()}, AllThreads());
      });
}

}  // namespace

const std::vector<Case>& ClusterCases() {
  static const std::vector<Case> cases = {
      {"kmeans/iteration", Goal::kFloat32, KMeansIterationCase},
      {"kmeans/later", Goal::kNone, KMeansLaterIterationCase},
      {"kmeans/seeding", Goal::kNone, KMeansSeedingCase},
      {"nearestMembers", Goal::kNone, NearestMembersCase},
      {"kCenterGreedy", Goal::kNone, KCenterGreedyCase},
      {"kmeansPlusPlus/share", Goal::kNone, KMeansPlusPlusCase},
  };
  return cases;
}

}  // namespace alfamix::bench
