// The block functions that exist once per instruction-set level, and the plain tables they work on.
//
// Level objects (level_*.cc) are compiled with their own flags and include C headers and intrinsics only: an
// inline function of the C++ library, emitted there as a weak symbol, could be the copy the linker gives to
// everybody, and an older CPU would die in it. Everything with threads, files or allocation stays outside.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernels/row_source.h"

namespace alfamix {

// Small loops over registers unroll at any optimisation level: their sums must not go to memory.
#if defined(__GNUC__)
#define ALFAMIX_UNROLL _Pragma("GCC unroll 16")
#else
#define ALFAMIX_UNROLL
#endif

// Rows one block function call takes at most.
constexpr int kBlockRows = 32;

// Columns (head rows, anchors, centers) packed for the product: panels of `panel_width` columns, the last one
// rounded up to the lanes; a panel of width w is dim x w floats, dimension-major. Padding columns are zero.
struct Panels {
  const float* data;
  uint32_t dim;
  uint32_t columns;
  uint32_t padded;  // columns rounded up to the lanes: the row stride of the product
};

// Columns packed for the product of a tile: panels of at most LevelTable::tile_columns columns, as even as
// can be, the wider ones first; each dim x width floats, dimension-major.
struct LanePanels {
  const float* data;
  uint32_t dim;
  uint32_t columns;
};

// For each dimension the values its anchors hold, in `tables` tables of LevelTable::slots slots, or in one of
// 16; see cpu/anchor_slots.h.
struct AnchorSlots {
  const float* values;          // D x tables x slots; NaN where none is
  const uint32_t* multipliers;  // D x tables
  uint32_t tables;
  bool one;  // one table of 16 slots
};

// Head and anchors as the flip search wants them. C classes, K anchors, D dimensions.
struct FlipTables {
  LanePanels panels;  // C + K columns: weight, then anchors
  uint32_t dim;
  uint32_t classes;
  uint32_t anchors;
  const float* bias;         // C
  const float* weight_rows;  // C x D
  LanePanels gram;           // C x C, of the centered weight, over the dimensions without one value
  LanePanels whole_gram;     // over all dimensions; no data where the two are the same
  LanePanels by_dim;    // the centered weight for g = W^T q, D columns: in place of the two above, or no data
  LanePanels by_class;  // for u = W g, C columns
  const float* centered_by_dim;  // D x class_stride, the centered weight, padded with zeros
  uint32_t class_stride;         // C rounded up to 16
  uint32_t event_stride;         // D rounded up to 16
  const float* anchor_norm2;     // K, padded with zeros to anchor_stride
  const float* anchor_rows;      // K x D
  const float* anchors_by_dim;   // D x anchor_stride, padded with NaN
  uint32_t anchor_stride;        // K rounded up to 16
  AnchorSlots slots;
  const uint32_t*
      one_value;  // D: a bit for each lane of a vector where all anchors hold the same value, else 0
  float sqrt_dim;
  float weight_norm;  // max |w_c|
  float bias_max;     // max |b_c|
  float gram_max;     // max of the diagonal of the whole Gram matrix
  float anchor_norm2_max;
};

// Classes whose steps to the anchors are computed together (cpu/flip_shared.inl).
constexpr uint32_t kReachChunk = 4;

// One thread's scratch, 64-byte aligned. tile: LevelTable::tile_lanes, the rows of a tile.
struct FlipScratch {
  float* z;                // LevelTable::tile_chunk x tile
  float* lanes;            // (C + K) x tile: logits and anchor products
  float* q;                // C x tile
  float* u;                // C x tile
  float* whole;            // C x tile
  float* class_lead;       // C: of one row, like all below up to step_*
  float* class_gain;       // C
  float* shared_values;    // D
  float* shared_gradient;  // D
  float* shared_loss;      // D x kReachChunk
  float* step_at;          // anchor_stride
  float* step_lowest;      // anchor_stride
  float* step_highest;     // anchor_stride
  float* likely_q;         // tile_chunk x (tile + tile_columns)
  float* tile_gradient;    // D x tile
  float* row;              // C: of one row
  float* gradient;         // D: of one row
  float* event_gradient;   // lanes x event_stride
  uint32_t* likely;        // C
  uint32_t* reachable;     // C
  uint32_t* shared_dims;   // D
  uint32_t* to_anchor;     // D
  int32_t* step_to;        // anchor_stride
  uint32_t* event_dims;    // tile / lanes x D
  uint32_t* event_lanes;   // as many
};

struct FlipBlockOutput {
  int32_t* pseudo_label;
  float* confidence;
  float* margin;
  float* entropy;
  float* flip_cap = nullptr;  // all three or none
  int32_t* flip_anchor = nullptr;
  int32_t* flip_to = nullptr;
};

// The head's weight row by row, padded with zeros, for sums along the dimensions.
struct WeightRows {
  const float* data;  // C x stride, 64-byte aligned
  uint32_t stride;    // D rounded up to the lanes
};

struct GradientBlockOutput {
  int32_t* pseudo_label;
  float* gradient;  // n x D
};

// Rows of k-means one packed block holds at most, and centers that CaptureBlock takes at most.
constexpr int kMostPacked = 128;
constexpr int kMostCaptured = 64;

// Floats from one packed row to the next, for rows of `depth` values: 64-byte lines, an odd number of them.
static inline size_t PackedStride(uint32_t depth) {
  return ((static_cast<size_t>(depth) + 15) / 16 | 1) * 16;
}

// Rows to pack: fl(scale * x) - shift, and one more dimension where `extra` is given.
struct PackSource {
  const float* const* rows;  // n pointers
  const float* scales;       // n, or null: 1
  const float* shift;        // D
  const float* extra;        // n, or null
};

// Rows to fetch into the cache meanwhile.
struct AheadRows {
  const float* const* rows;
  int n;
  uint32_t dim;
};

// Of K columns, by score x . c - half_norm in float32: the best, its score, the second best's score, and the
// score of the row's own column, which takes no part in the other three; -inf where there is none.
struct TopTwo {
  int32_t* nearest;
  float* best;
  float* second;
  float* own;
};

struct Bf16Table;

struct LevelTable {
  uint32_t lanes;         // floats of a vector
  uint32_t panel_width;   // a multiple of lanes
  uint32_t tile_lanes;    // rows of a tile, a multiple of lanes
  uint32_t tile_columns;  // most columns of a panel of LanePanels
  uint32_t tile_chunk;    // dimensions of a tile transposed at a time
  uint32_t slots;         // of an anchor table, a power of two

  // n values of another type to float32, front to back: `to` may overlap `from` where no value is written
  // before those after it are read (cpu/row_reader.cc). 16-bit values exactly; float64 rounded to nearest.
  void (*widen)(DType dtype, const void* from, size_t n, float* to);

  // out[r * panels.padded + c] = row r . column c, for n <= kBlockRows rows. Each number is the same bits
  // whatever else is computed beside it: fixed order, chunks of 256 dimensions summed apart, then added.
  void (*product)(const Panels* panels, const float* rows, int n, float* out);

  // The flip search for n <= kBlockRows rows of dim values of `dtype`. recheck[r] != 0: float32 can't vouch
  // for row r; decide it in double.
  void (*flip_block)(const FlipTables* tables, const void* rows, DType dtype, int n,
                     const FlipScratch* scratch, const FlipBlockOutput* out, uint8_t* recheck);

  // The pseudo-label's gradient, or its direction, for n <= kBlockRows rows; recheck as above.
  void (*gradient_block)(const FlipTables* tables, const WeightRows* weight, bool unit, const float* rows,
                         int n, const FlipScratch* scratch, const GradientBlockOutput* out, uint8_t* recheck);

  // Row by row in double, rounded once: the same bytes at every level. n: dimensions.
  double (*dot)(const float* a, const float* b, size_t n);
  double (*squared_distance)(const float* a, const float* b, size_t n);
  // out = z + alpha * (anchor - z)
  void (*interpolate_row)(const float* z, const float* anchor, const float* alpha, size_t n, float* out);
  // out = scale * gradient / (anchor - z), 0 where they are equal
  void (*alpha_row)(const float* z, const float* anchor, const float* gradient, double scale, size_t n,
                    float* out);

  // k-means, cpu/assign.inl. n <= kMostPacked rows, packed, best a multiple of `pack_tile`; `half_norms` has
  // panels.padded values, +inf for padding; own_columns: n, negative for none; `ahead` may be null.
  int pack_tile;
  void (*pack_rows)(const PackSource* source, int n, uint32_t dim, float* out);
  void (*top_two)(const Panels* panels, const float* half_norms, const float* packed, int n,
                  const int32_t* own_columns, const AheadRows* ahead, const TopTwo* out);
  // Bit c of captured[r]: whether score - thresholds[r] is not below 0, at most kMostCaptured columns;
  // gains[c] (panels.padded of them) grows by the sum of those differences.
  void (*capture)(const Panels* panels, const float* half_norms, const float* packed, int n,
                  const float* thresholds, const AheadRows* ahead, uint64_t* captured, float* gains);
  // sum += fl(scale * row)
  void (*add_row)(const float* row, float scale, size_t n, double* sum);

  // What a fit in double is made of, each with one order of its sums: the same bits at every level.
  // out[i * columns + c] = sum over k of a[i * row_stride + k * step] * b[k * columns + c]; `columns` is a
  // multiple of 8.
  void (*double_product)(const double* a, size_t row_stride, size_t step, const double* b, size_t columns,
                         size_t depth, size_t rows, double* out);
  double (*dot_doubles)(const double* a, const double* b, size_t n);
  // y += scale * x
  void (*add_scaled)(double scale, const double* x, size_t n, double* y);
  // The cross-entropy -ln p_own of a row with logits + t * slopes; its slope in t; p - e_own.
  double (*softmax_row)(const double* logits, const double* slopes, double t, uint32_t classes, uint32_t own,
                        double* residual, double* slope);

  // Sums n values: nothing but reading. And `rounds` x multiply_width multiply-adds: nothing but those.
  float (*read_all)(const float* values, size_t n);
  float (*multiply_adds)(uint64_t rounds);
  uint32_t multiply_width;

  const Bf16Table* bf16;  // k-means' seeding in bfloat16 (cpu/kmeans_bf16.h); null: none
};

extern const LevelTable kScalarTable;
extern const LevelTable kAvx2Table;
extern const LevelTable kAvx512Table;
extern const LevelTable kNeonTable;

}  // namespace alfamix
