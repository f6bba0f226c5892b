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

// Head and anchors as the flip search wants them. C classes, K anchors, D dimensions; Cp, Kp: rounded up to
// the lanes.
struct FlipTables {
  Panels panels;  // C + K columns: weight, then anchors
  uint32_t dim;
  uint32_t classes;
  uint32_t anchors;
  uint32_t class_stride;         // Cp
  uint32_t anchor_stride;        // Kp
  const float* bias;             // C
  const float* gram;             // C x C, of the centered weight
  const float* centered_by_dim;  // D x Cp, the centered weight
  const float* anchor_norm2;     // K
  const void* anchor_screens;    // [D / screen_floats, rounded up][K] screens, see simd/*.h
  const float* anchors_by_dim;   // (D rounded up to screen_floats) x Kp; padding NaN: equal to nothing
  const uint8_t* one_value;      // D: 1 where all anchors hold the same value
  float sqrt_dim;
  float weight_norm;  // max |w_c|
  float bias_max;     // max |b_c|
  float gram_max;     // max of the diagonal of `gram`
  float anchor_norm2_max;
};

// One thread's scratch, 64-byte aligned. Sizes in floats; lanes = LevelTable::lanes.
struct FlipScratch {
  float* product;     // kBlockRows x panels.padded
  float* lanes;       // panels.padded x lanes: logits and anchor products of `lanes` rows, transposed
  float* q;           // C x lanes
  float* u;           // C x lanes
  float* row;         // 3 x Cp: logits, q and u of one row
  float* masked;      // (K + 1) x Cp: corrections of u, the common part last
  float* gradient;    // D rounded up to the lanes: g at the shared dimensions, or all of it
  uint32_t* touched;  // K
  uint32_t* dims;     // kBlockRows x (D + 1): for each row the dimensions where it equals some anchor
};

struct FlipBlockOutput {
  int32_t* pseudo_label;
  float* confidence;
  float* margin;
  float* entropy;
  float* flip_cap;  // this and the next two may be null
  int32_t* flip_anchor;
  int32_t* flip_to;
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

// The nearest two of K centers by score x . c' - half_norm, in float32.
struct TopTwo {
  int32_t* nearest;
  float* best;
  float* second;
};

struct LevelTable {
  uint32_t lanes;          // floats of a vector
  uint32_t panel_width;    // a multiple of lanes
  uint32_t screen_floats;  // values a screen covers, a multiple of lanes
  uint32_t screen_bytes;

  // The screen of screen_floats values, for FlipTables::anchor_screens.
  void (*make_screen)(const float* values, void* screen);

  // n values of another type to float32, front to back: `to` may overlap `from` where no value is written
  // before those after it are read (cpu/row_reader.cc). 16-bit values exactly; float64 rounded to nearest.
  void (*widen)(DType dtype, const void* from, size_t n, float* to);

  // out[r * panels.padded + c] = row r . column c, for n <= kBlockRows rows. Each number is the same bits
  // whatever else is computed beside it: fixed order, chunks of 256 dimensions summed apart, then added.
  void (*product)(const Panels* panels, const float* rows, int n, float* out);

  // The flip search for n <= kBlockRows rows. recheck[r] != 0: float32 can't vouch for row r; decide it in
  // double.
  void (*flip_block)(const FlipTables* tables, const float* rows, int n, const FlipScratch* scratch,
                     const FlipBlockOutput* out, uint8_t* recheck);

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

  // Nearest center of n <= kBlockRows rows; `half_norms` has panels.padded values, +inf for padding;
  // `scratch` holds kBlockRows x (panel_width + 3 * lanes) floats.
  void (*assign_block)(const Panels* panels, const float* half_norms, const float* rows, int n,
                       float* scratch, const TopTwo* out);

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
};

extern const LevelTable kScalarTable;
extern const LevelTable kAvx2Table;
extern const LevelTable kAvx512Table;
extern const LevelTable kNeonTable;

}  // namespace alfamix
