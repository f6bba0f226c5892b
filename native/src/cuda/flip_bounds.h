// How far the scan's float32 may be off: as native/src/cpu/flip_bounds.inl, with the product of
// tile_product.cuh, where the constants differ. Derived in docs/flip-search.md, "On the device".
#pragma once

namespace alfamix::cuda {

constexpr float kEpsilon = 5.9604645e-8f;  // 2^-24
// Of the difference of two logits. Its terms z_j w_j round as at random, with a standard deviation of some 5
// u of the root of their squares' sum: five of them, times |z| max|w_cj|. Where many terms are alike their
// roundings are too: no less than some u times |z| max|w_c|; in few dimensions no more than so many of it.
// And times the larger of the two logits, since tensor cores round toward zero, all one way.
constexpr float kSpreadLogitError = 28 * kEpsilon;
constexpr float kLeastLogitError = 4 * kEpsilon;
constexpr float kLogitError = 12 * kEpsilon;
constexpr float kAlignedLogitError = 24 * kEpsilon;
constexpr float kSpreadError = 2.5e-4f;
constexpr float kLeastLength2 = 1e-25f;
constexpr float kMostLength2 = 1e30f;
// Of u_c - u_y, times the largest entry of the Gram matrix.
constexpr float kGainError = 14 * kEpsilon;
// Of |A_k - z|^2 by expansion, times |z|^2 + |A_k|^2; and times |z . A_k|.
constexpr float kDistanceError = 20 * kEpsilon;
constexpr float kAlignedDistanceError = 48 * kEpsilon;
// Share of the band of agreement that float32 may use.
constexpr float kBandAbsolute = 0.75e-5f;
constexpr float kBandRelative = 0.75e-4f;
// Of confidence and margin.
constexpr float kProbabilityError = 2.5e-5f;
// Share of the gradient's norm that the logits' errors may move it by (agreement: 1e-4); of max|w_c| that its
// direction must keep after cancelling; and a square that is well above the subnormal numbers.
constexpr float kGradientError = 0.75e-4f;
constexpr float kGradientLeft = 0.02f;
constexpr float kLeastSquare = 1e-30f;
// From so many classes on, those too unlikely to move a gain are left out.
constexpr unsigned kManyClasses = 64;

}  // namespace alfamix::cuda
