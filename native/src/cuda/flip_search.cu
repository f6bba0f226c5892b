#include <cstdio>
#include <cstdlib>
#include "cuda/flip_scan.h"
#include "cuda/kernels.h"

namespace alfamix::cuda {

Status FlipSearch(const FlipSearchParams& params, const FlipSearchOutput& output, const JobOptions& options) {
  return Guarded(options, [&] {
    const Stream stream;
    const std::uint64_t n = params.pool.rows;
    FlipScan scan(params, n, stream);
    DeviceBuffer<float> rows(n * params.pool.dim), confidence(n), margin(n), entropy(n), cap(n);
    DeviceBuffer<std::int32_t> label(n), anchor(n), to(n);
    CopyToDevice(rows, static_cast<const float*>(params.pool.data), n * params.pool.dim, stream);
    const bool flips = output.flip_cap != nullptr;
    scan.Run(rows.get(), n, {label.get(), confidence.get(), margin.get(), entropy.get(), flips ? cap.get() : nullptr, anchor.get(), to.get()}, stream);
    CopyFromDevice(output.pseudo_label, label.get(), n, stream);
    CopyFromDevice(output.confidence, confidence.get(), n, stream);
    CopyFromDevice(output.margin, margin.get(), n, stream);
    CopyFromDevice(output.entropy, entropy.get(), n, stream);
    if (flips) {
    CopyFromDevice(output.flip_cap, cap.get(), n, stream);
    CopyFromDevice(output.flip_anchor, anchor.get(), n, stream);
    CopyFromDevice(output.flip_to, to.get(), n, stream);
    }
    FlipTally tally;
    CopyFromDevice(&tally, scan.tally(), 1, stream);
    stream.Synchronize();
    if (tally.bad_row != kNoBadRow) return Status::Error(Code::kNonFinite, "bad row %llu", tally.bad_row);
    if (getenv("TALLY")) printf("open %u events %u of %lu\n", tally.open, tally.events, n);
    return Status::Ok();
  });
}

}  // namespace alfamix::cuda
