// Bytes and operations of the kernels, one function a kernel: the least that the problem asks for (each input
// read once, each output written once, float32), whatever the kernel does. A multiply-add is two operations.
// bus_bytes are those of a whole call from host memory, in both directions.
#pragma once

#include <cstdint>

namespace alfamix::bench {

struct Work {
  double bytes = 0;
  double operations = 0;
  double bus_bytes = 0;
};

// Pool, head and anchors in; seven values a row out. Operations are the products with head and anchors alone:
// the epilogue's are not counted.
inline Work FlipSearchWork(double n, double d, double c, double k) {
  const double bytes = 4 * (n * d + c * d + c + k * d + 7 * n);
  return {bytes, 2 * n * d * (c + k), bytes};
}

// Four values a row out.
inline Work ScoreUncertaintyWork(double n, double d, double c) {
  const double bytes = 4 * (n * d + c * d + c + 4 * n);
  return {bytes, 2 * n * d * c, bytes};
}

// One assignment and one update: the rows are read once, though two passes may read them twice; the product
// with the centers, and an addition a value for the sums.
inline Work KMeansIterationWork(double m, double d, double k) {
  return {4 * (m * d + 2 * k * d + m), 2 * m * d * k + m * d, 0};
}

// k-means|| rounds and candidates as in cpu/kmeans_seeding.h: 8 M K D multiply-adds.
inline Work KMeansSeedingWork(double m, double d, double k) {
  return {4 * (m * d + k * d), 16 * m * k * d, 0};
}

// An upper bound on the operations: the lazy traversal looks at fewer rows.
inline Work KCenterGreedyWork(double n, double d, double m, double budget) {
  const double bytes = 4 * (n * d + m * d) + 12 * budget;
  return {bytes, 3 * n * d * (m + budget), bytes};
}

inline Work KMeansPlusPlusWork(double n, double d, double k) {
  const double bytes = 4 * n * d + 12 * k;
  return {bytes, 3 * n * d * k, bytes};
}

// Rows, alpha and anchor numbers in; the mix and its logits out.
inline Work InterpolateWork(double n, double d, double c) {
  const double bytes = 4 * (3 * n * d + n + n * c + c * d);
  return {bytes, 2 * n * d * c + 3 * n * d, bytes};
}

// Rows in, gradients and labels out; logits and W^T q.
inline Work PseudoLabelGradientWork(double n, double d, double c) {
  const double bytes = 4 * (2 * n * d + n + c * d + c);
  return {bytes, 4 * n * d * c, bytes};
}

// Rows and gradients in, alpha out; two sums of squares, a product and a division an element.
inline Work ClosedFormAlphaWork(double n, double d, double k) {
  const double bytes = 4 * (3 * n * d + n + k * d);
  return {bytes, 7 * n * d, bytes};
}

// Every row's distance to its own center.
inline Work NearestMembersWork(double m, double d, double k) {
  const double bytes = 4 * (m * d + m + k * d + k);
  return {bytes, 3 * m * d, bytes};
}

}  // namespace alfamix::bench
