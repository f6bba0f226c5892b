// The flip search and the uncertainty scores: on rows that are on the device, and as whole calls from host
// memory.
#include "bench/flip_cases.h"

#include <cmath>
#include <memory>

#include "bench/cases.h"
#include "bench/check_results.h"
#include "bench/whole_call.h"
#include "cuda/flip_scan.h"
#include "cuda/kernels.h"

namespace alfamix::bench {

namespace {

std::string ShapeText(const FlipShape& shape, std::uint64_t rows) {
  std::string text = Grouped(rows) + " x " + std::to_string(shape.dim) + ", C = " + Grouped(shape.classes);
  if (shape.anchors > 0) text += ", K = " + Grouped(shape.anchors);
  return text;
}

Work WorkOf(const FlipShape& shape, std::uint64_t rows) {
  return shape.anchors > 0
             ? FlipSearchWork(static_cast<double>(rows), shape.dim, shape.classes, shape.anchors)
             : ScoreUncertaintyWork(static_cast<double>(rows), shape.dim, shape.classes);
}

// Head and anchors; logits of a few units, as heads have them. Inside a Guarded body.
struct Head {
  explicit Head(const FlipShape& shape)
      : weight(HostValues(shape.classes, shape.dim, Values::kUniform, 21)),
        bias(HostValues(shape.classes, 1, Values::kUniform, 22)),
        anchors(HostValues(shape.anchors, shape.dim, shape.values, 23)) {
    for (float& x : weight) x *= 9 / std::sqrt(static_cast<float>(shape.dim));
    params.pool.dim = shape.dim;
    params.weight = weight.data();
    params.bias = bias.data();
    params.classes = shape.classes;
    params.anchors = shape.anchors > 0 ? anchors.data() : nullptr;
    params.anchor_count = shape.anchors;
  }

  std::vector<float> weight, bias, anchors;
  FlipSearchParams params;
};

// The seven outputs of `rows` rows, in host memory.
struct Outputs {
  explicit Outputs(std::uint64_t rows) : integers(3 * rows), floats(4 * rows) {}
  FlipSearchOutput Pointers(std::uint64_t rows, bool flips) {
    FlipSearchOutput out;
    out.pseudo_label = integers.data();
    out.confidence = floats.data();
    out.margin = floats.data() + rows;
    out.entropy = floats.data() + 2 * rows;
    if (!flips) return out;
    out.flip_cap = floats.data() + 3 * rows;
    out.flip_anchor = integers.data() + rows;
    out.flip_to = integers.data() + 2 * rows;
    return out;
  }
  std::vector<std::int32_t> integers;
  std::vector<float> floats;
};

// The pool, more than once where it would fit the device's cache, and the outputs, on the device.
struct DevicePool {
  DevicePool(const Setup& setup, const FlipShape& shape, std::uint64_t n, const cuda::Stream& stream)
      : rows(n),
        dim(shape.dim),
        copies(Rotations(setup, 4.0 * static_cast<double>(n) * shape.dim)),
        pools(copies * n * shape.dim),
        integers(3 * n),
        floats(4 * n) {
    Fill(pools.get(), copies * n, dim, shape.values, 24, stream);
  }
  const float* Pool(int run) const {
    return pools.get() + static_cast<std::size_t>(run) % copies * rows * dim;
  }
  cuda::FlipDeviceOutput Pointers(bool flips) const {
    return {integers.get(),
            floats.get(),
            floats.get() + rows,
            floats.get() + 2 * rows,
            flips ? floats.get() + 3 * rows : nullptr,
            flips ? integers.get() + rows : nullptr,
            flips ? integers.get() + 2 * rows : nullptr};
  }

  std::uint64_t rows;
  std::uint32_t dim;
  std::size_t copies;
  cuda::DeviceBuffer<float> pools;
  cuda::DeviceBuffer<std::int32_t> integers;
  cuda::DeviceBuffer<float> floats;
};

// The pool and its outputs may lie anywhere: `floats(to, from, count)` and `integers(to, from)` copy.
template <typename CopyFloats, typename CopyIntegers>
std::vector<FoundFlip> FoundAt(const std::vector<std::uint64_t>& rows, const float* pool, std::uint32_t dim,
                               const FlipSearchOutput& out, CopyFloats&& floats, CopyIntegers&& integers) {
  std::vector<FoundFlip> found(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t row = rows[i];
    found[i].row.resize(dim);
    floats(found[i].row.data(), pool + row * dim, dim);
    integers(&found[i].pseudo_label, out.pseudo_label + row);
    floats(&found[i].confidence, out.confidence + row, 1);
    floats(&found[i].margin, out.margin + row, 1);
    floats(&found[i].entropy, out.entropy + row, 1);
    if (out.flip_cap == nullptr) continue;
    floats(&found[i].flip_cap, out.flip_cap + row, 1);
    integers(&found[i].flip_anchor, out.flip_anchor + row);
    integers(&found[i].flip_to, out.flip_to + row);
  }
  return found;
}

// What the last run left on the device.
Status CheckDevice(const FlipSearchParams& params, const float* pool, std::uint64_t rows,
                   const cuda::FlipDeviceOutput& out, const cuda::Stream& stream) {
  const std::vector<std::uint64_t> chosen = RowsToCheck(rows, params.pool.dim);
  const std::vector<FoundFlip> found = FoundAt(
      chosen, pool, params.pool.dim,
      {out.pseudo_label, out.confidence, out.margin, out.entropy, out.flip_cap, out.flip_anchor, out.flip_to},
      [&](float* to, const float* from, std::size_t n) { cuda::CopyFromDevice(to, from, n, stream); },
      [&](std::int32_t* to, const std::int32_t* from) { cuda::CopyFromDevice(to, from, 1, stream); });
  stream.Synchronize();
  return CheckFlips(params, chosen, found);
}

Status CheckHost(const FlipSearchParams& params, const FlipSearchOutput& out) {
  const std::vector<std::uint64_t> chosen = RowsToCheck(params.pool.rows, params.pool.dim);
  return CheckFlips(params, chosen,
                    FoundAt(
                        chosen, static_cast<const float*>(params.pool.data), params.pool.dim, out,
                        [](float* to, const float* from, std::size_t n) { std::copy_n(from, n, to); },
                        [](std::int32_t* to, const std::int32_t* from) { *to = *from; }));
}

template <int kShape>
Status DeviceCase(const Setup& setup, Measurement* out) {
  const FlipShape& shape = kFlipShapes[kShape];
  const std::uint64_t rows = FlipRows(setup, shape);
  out->shape = ShapeText(shape, rows);
  out->work = WorkOf(shape, rows);
  return cuda::Guarded(JobOptions(), [&] {
    const cuda::Stream stream;
    const Head head(shape);
    const DevicePool pool(setup, shape, rows, stream);
    const cuda::FlipDeviceOutput outputs = pool.Pointers(shape.anchors > 0);
    cuda::FlipScan scan(head.params, rows, stream);
    const float* last = nullptr;
    out->times = TimeOnDevice(setup, stream, [&](int run) {
      last = pool.Pool(run);
      scan.Run(last, rows, 0, outputs, stream);
    });
    const cuda::FlipTally tally = scan.Tally(stream);
    out->rechecked = static_cast<double>(tally.open) / static_cast<double>(rows);
    if (tally.bad_row != cuda::kNoBadRow)
      return Status::Error(Code::kInternal, "the scan found a row of the pool that isn't finite");
    return CheckDevice(head.params, last, rows, outputs, stream);
  });
}

template <int kShape>
Status HostCase(const Setup& setup, Measurement* out) {
  const FlipShape& shape = kFlipShapes[kShape];
  const std::uint64_t rows = setup.Rows(shape.full_rows / 2, shape.smoke_rows, 0, 8.0 * shape.dim);
  out->shape = ShapeText(shape, rows);
  out->work = WorkOf(shape, rows);
  std::unique_ptr<Head> head;
  std::vector<float> pool;
  Outputs outputs(rows);
  const Status timed = TimeWholeCalls(
      setup, out,
      [&] {
        head = std::make_unique<Head>(shape);
        pool = HostValues(rows, shape.dim, shape.values, 24);
        head->params.pool.data = pool.data();
        head->params.pool.rows = rows;
      },
      [&] {
        const FlipSearchOutput values = outputs.Pointers(rows, shape.anchors > 0);
        if (shape.anchors > 0) return cuda::FlipSearch(head->params, values, AllThreads());
        ScoreUncertaintyParams params;
        params.pool = head->params.pool;
        params.weight = head->params.weight;
        params.bias = head->params.bias;
        params.classes = head->params.classes;
        return cuda::ScoreUncertainty(
            params, {values.pseudo_label, values.confidence, values.margin, values.entropy}, AllThreads());
      });
  return timed.ok() ? CheckHost(head->params, outputs.Pointers(rows, shape.anchors > 0)) : timed;
}

}  // namespace

std::uint64_t FlipRows(const Setup& setup, const FlipShape& shape) {
  return setup.Rows(shape.full_rows, shape.smoke_rows, 4.0 * shape.dim + 28);
}

const std::vector<Case>& FlipCases() {
  static const std::vector<Case> cases = {
      {kFlipShapes[0].name, Goal::kCopy70, DeviceCase<0>},
      {kFlipShapes[1].name, Goal::kCopy35, DeviceCase<1>},
      {kFlipShapes[2].name, Goal::kProduct, DeviceCase<2>},
      {kFlipShapes[3].name, Goal::kNone, DeviceCase<3>},
      {"flipSearch/host", Goal::kPinned80, HostCase<0>},
      {"scoreUncertainty/host", Goal::kPinned80, HostCase<3>},
  };
  return cases;
}

}  // namespace alfamix::bench
