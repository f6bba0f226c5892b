// k-means++ seeds; see kernels/kmeans_plus_plus.h and cpu/seed_sampler.h, whose draws these are.
//
// What the device can take over is one thing: a drawn row's distances to the many seeds that it missed. Those
// are independent and exact in the twin's order, and only the seeds and that row have to be on the device,
// never the pool. The norms and the first pass read every row of the host's memory once, which its threads do
// faster than the bus could take the rows away; the draws walk over sums of weights in order, which is short
// but serial. So those stay on the host, and so do rows that missed few seeds.
//
// Cost of a draw that goes to the device: 4 (D + F) bytes over the bus, as much for each seed from device
// memory, and some 15 us for launch and answer, which the CPU needs for 30,000 to 100,000 multiply-adds.
// Memory: 4 (D + F) + 8 bytes a seed. Not for a few hundred seeds: nothing goes to the device then.
#include <cstdint>
#include <cstring>

#include "cpu/levels.h"
#include "cpu/seed_sampler.h"
#include "cuda/double_rows.cuh"
#include "cuda/kernels.h"
#include "cuda/launch.h"
#include "cuda/setup.h"

namespace alfamix::cuda {

namespace {

constexpr unsigned kThreads = 256;
constexpr std::uint64_t kLeastWork = 1 << 17;

struct Seeds {
  const float* data;     // seeds x dim
  const float* factors;  // seeds x factor_dim, or null
  const double* norms2;  // of the seeds, where there are factors
  std::uint32_t dim;
  std::uint32_t factor_dim;
};

// A group measures every so-manieth seed's distance to the row; *least gets the bits of the smallest.
__global__ void __launch_bounds__(kThreads)
    LeastDistance(Seeds seeds, const float* row, const float* factor, double norm2, std::uint32_t first,
                  std::uint32_t last, unsigned long long* least) {
  const std::uint32_t step = gridDim.x * kThreads / kGroup;
  const std::uint32_t group = (blockIdx.x * kThreads + threadIdx.x) / kGroup;
  unsigned long long smallest = ~0ull;
  // The warp stays together.
  for (std::uint32_t k = first + group; k - group % kGroupsOfWarp < last; k += step) {
    const bool mine = k < last;
    const std::uint32_t dim = mine ? seeds.dim : 0;
    const float* seed = seeds.data + std::size_t{k} * seeds.dim;
    double distance2;
    if (factor == nullptr) {
      distance2 = SquaredDistance(row, seed, dim);
    } else {
      const double product =
          DotRows(row, seed, dim) *
          DotRows(factor, seeds.factors + std::size_t{k} * seeds.factor_dim, mine ? seeds.factor_dim : 0);
      const double difference = mine ? norm2 + seeds.norms2[k] - 2 * product : 0;
      distance2 = difference > 0 ? difference : 0;
    }
    // Numbers from 0 up are in the order of their bits.
    const auto bits = static_cast<unsigned long long>(__double_as_longlong(distance2));
    if (mine && bits < smallest) smallest = bits;
  }
  for (int offset = 16; offset > 0; offset /= 2) {
    const unsigned long long other = __shfl_xor_sync(kAll, smallest, offset);
    smallest = other < smallest ? other : smallest;
  }
  if (Lane() == 0 && smallest != ~0ull) atomicMin(least, smallest);
}

// Seeds go to the device when the first row is measured against them.
class DeviceDistances : public FarDistances {
 public:
  explicit DeviceDistances(const KMeansPlusPlusParams& params) : params_(params), least_(1), answer_(1) {}

  std::uint64_t LeastWork() const override { return kLeastWork; }

  double Least(std::uint64_t row, const std::int32_t* seeds, std::uint32_t first, std::uint32_t last,
               const double* norms2) override {
    if (uploaded_ == 0) Allocate();
    for (std::uint32_t k = uploaded_; k < last; ++k) UploadRow(static_cast<std::uint64_t>(seeds[k]), k);
    if (params_.factors != nullptr && uploaded_ < last) {
      for (std::uint32_t k = uploaded_; k < last; ++k) staged_[k] = norms2[seeds[k]];
      Copy(staged_.get() + uploaded_, last - uploaded_, norms2_.get() + uploaded_);
    }
    uploaded_ = last;
    // The row itself comes after the last seed there can be.
    UploadRow(row, params_.clusters);
    Check(cudaMemsetAsync(least_.get(), 0xff, sizeof(unsigned long long), stream_.get()), "clearing memory");
    const std::size_t row_at = params_.clusters;
    const Seeds of{data_.get(), factors_.get(), norms2_.get(), params_.dim, params_.factor_dim};
    Launch(LeastDistance, "distances to seeds", {BlocksFor(last - first, kThreads / kGroup), kThreads},
           stream_, of, data_.get() + row_at * params_.dim,
           params_.factors == nullptr ? nullptr : factors_.get() + row_at * params_.factor_dim, norms2[row],
           first, last, least_.get());
    CopyFromDevice(answer_.get(), least_.get(), 1, stream_);
    stream_.Synchronize();  // some microseconds: a wait that looks at the hook would sleep longer
    double distance2;
    std::memcpy(&distance2, &answer_[0], sizeof distance2);
    return distance2;
  }

 private:
  void Allocate() {
    const std::size_t rows = std::size_t{params_.clusters} + 1;
    data_ = DeviceBuffer<float>(rows * params_.dim);
    if (params_.factors == nullptr) return;
    factors_ = DeviceBuffer<float>(rows * params_.factor_dim);
    norms2_ = DeviceBuffer<double>(rows);
    staged_ = PinnedBuffer<double>(rows);
  }

  void UploadRow(std::uint64_t row, std::size_t to) {
    Copy(params_.data + row * params_.dim, params_.dim, data_.get() + to * params_.dim);
    if (params_.factors == nullptr) return;
    Copy(params_.factors + row * params_.factor_dim, params_.factor_dim,
         factors_.get() + to * params_.factor_dim);
  }

  template <typename T>
  void Copy(const T* from, std::size_t count, T* to) {
    if (count == 0) return;
    Check(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyHostToDevice, stream_.get()),
          "copying to the device");
  }

  const KMeansPlusPlusParams& params_;
  DeviceBuffer<float> data_;     // (clusters + 1) x D
  DeviceBuffer<float> factors_;  // (clusters + 1) x F
  DeviceBuffer<double> norms2_;  // of the seeds
  PinnedBuffer<double> staged_;
  DeviceBuffer<unsigned long long> least_;
  PinnedBuffer<unsigned long long> answer_;
  std::uint32_t uploaded_ = 0;  // seeds
  Stream stream_;
};

}  // namespace

Status KMeansPlusPlus(const KMeansPlusPlusParams& params, const PickedRows& output,
                      const JobOptions& options) {
  if (params.dim == 0 || params.clusters == 0 || params.clusters > params.rows || params.rows > 0x7fffffff)
    return Status::Error(Code::kInvalidArgument, "expected dimensions, and clusters of 1 to rows");
  return Guarded(options, [&] {
    Progress progress(options, params.clusters);
    DeviceDistances distances(params);
    const LevelTable& level = *LevelAt(LevelCount() - 1).table;
    return SeedSampler(params, level, options.threads, progress, output, &distances).Run();
  });
}

}  // namespace alfamix::cuda
