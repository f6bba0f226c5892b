#include "kernels/pseudo_label_gradient.h"

#include "cpu/flip_row.h"
#include "cpu/lowest_row.h"
#include "cuda/flip_scan.h"
#include "cuda/host_chunks.h"
#include "cuda/kernels.h"

namespace alfamix::cuda {

namespace {

Status Gradient(const FlipSearchParams& head, const PseudoLabelGradientParams& params,
                const PseudoLabelGradientOutput& output, const JobOptions& options) {
  const std::size_t row_bytes = std::size_t{params.dim} * sizeof(float);
  JobProgress progress(options, params.rows);
  HostChunks chunks(params.rows, {{row_bytes}}, {{row_bytes}, {sizeof(std::int32_t)}}, options);
  const Stream preparing;
  FlipScan scan(head, chunks.chunk_rows(), preparing);
  Event done;
  const Status status = chunks.Run(
      progress,
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* inputs) {
        FillFrom(params.data, row_bytes, first, rows, inputs[0]);
        return Status::Ok();
      },
      [&](const DeviceChunk& chunk) {
        // One scan at a time: they share its buffers.
        if (chunk.first > 0) done.HoldBack(chunk.stream);
        FlipDeviceOutput out;
        out.pseudo_label = chunk.Output<std::int32_t>(1);
        scan.RunGradient(chunk.Input<float>(0), chunk.rows, chunk.first, params.unit, chunk.Output<float>(0),
                         out, chunk.stream);
        done.Record(chunk.stream);
      },
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* outputs) {
        TakeTo(output.gradient, row_bytes, first, rows, outputs[0]);
        TakeTo(output.pseudo_label, sizeof(std::int32_t), first, rows, outputs[1]);
      });
  if (!status.ok()) return status;
  const FlipTally tally = scan.Tally(preparing);
  return tally.bad_row == kNoBadRow ? Status::Ok() : LowestRow::NonFiniteAt(tally.bad_row);
}

}  // namespace

Status PseudoLabelGradient(const PseudoLabelGradientParams& params, const PseudoLabelGradientOutput& output,
                           const JobOptions& options) {
  FlipSearchParams head;
  head.pool.rows = params.rows;
  head.pool.dim = params.dim;
  head.weight = params.weight;
  head.bias = params.bias;
  head.classes = params.classes;
  const Status status = CheckFlipSearch(head);
  if (!status.ok()) return status;
  return Guarded(options, [&] { return Gradient(head, params, output, options); });
}

}  // namespace alfamix::cuda
