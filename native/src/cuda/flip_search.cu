// The flip search of a pool of the host: chunks of it stream through the device, so it may be larger than the
// device's memory.
#include "cpu/flip_row.h"
#include "cpu/lowest_row.h"
#include "cuda/flip_scan.h"
#include "cuda/host_chunks.h"
#include "cuda/kernels.h"
#include "cuda/pool_rows.h"

namespace alfamix::cuda {

namespace {

// Chunks that give every multiprocessor a tile, where the pool is so large that their memory doesn't count.
constexpr std::uint64_t kLargePool = std::uint64_t{1} << 30;
constexpr std::size_t kLargeChunk = std::size_t{32} << 20;
// Outputs, 4 bytes a row each: the scores, then the flips.
constexpr std::size_t kScores = 4;
constexpr std::size_t kScoresAndFlips = 7;

Status Search(const FlipSearchParams& params, const FlipSearchOutput& output, const JobOptions& options) {
  PoolRows pool(params.pool);
  const Status opened = pool.Open();
  if (!opened.ok()) return opened;
  const bool flips = output.flip_cap != nullptr;
  void* const host[kScoresAndFlips] = {output.pseudo_label, output.confidence,  output.margin, output.entropy,
                                       output.flip_cap,     output.flip_anchor, output.flip_to};
  const std::size_t columns = flips ? kScoresAndFlips : kScores;

  JobProgress progress(options, params.pool.rows);
  HostChunks chunks(params.pool.rows, {{pool.row_bytes()}}, std::vector<ChunkOutput>(columns, ChunkOutput{4}),
                    options,
                    pool.row_bytes() * params.pool.rows > kLargePool ? kLargeChunk : HostChunks::kChunkBytes);
  const Stream preparing;
  FlipScan scan(params, chunks.chunk_rows(), preparing);
  Event done;
  const Status status = chunks.Run(
      progress,
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* inputs) {
        return pool.Fill(first, rows, inputs[0]);
      },
      [&](const DeviceChunk& chunk) {
        // One scan at a time: they share its buffers.
        if (chunk.first > 0) done.HoldBack(chunk.stream);
        FlipDeviceOutput out;
        out.pseudo_label = chunk.Output<std::int32_t>(0);
        out.confidence = chunk.Output<float>(1);
        out.margin = chunk.Output<float>(2);
        out.entropy = chunk.Output<float>(3);
        if (flips) {
          out.flip_cap = chunk.Output<float>(4);
          out.flip_anchor = chunk.Output<std::int32_t>(5);
          out.flip_to = chunk.Output<std::int32_t>(6);
        }
        const float* rows = pool.Widened(chunk.inputs[0], chunk.rows, chunk.stream);
        scan.Run(rows, chunk.rows, chunk.first, out, chunk.stream);
        done.Record(chunk.stream);
      },
      [&](std::uint64_t first, std::uint64_t rows, unsigned char* const* outputs) {
        for (std::size_t i = 0; i < columns; ++i) TakeTo(host[i], 4, first, rows, outputs[i]);
      });
  if (!status.ok()) return status;
  const FlipTally tally = scan.Tally(preparing);
  return tally.bad_row == kNoBadRow ? Status::Ok() : LowestRow::NonFiniteAt(tally.bad_row);
}

}  // namespace

Status FlipSearch(const FlipSearchParams& params, const FlipSearchOutput& output, const JobOptions& options) {
  const Status status = CheckFlipSearch(params);
  if (!status.ok()) return status;
  return Guarded(options, [&] { return Search(params, output, options); });
}

}  // namespace alfamix::cuda
