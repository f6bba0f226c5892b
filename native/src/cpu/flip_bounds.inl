// How far float32 may be off. A row whose flip cap could miss the band of agreement (1e-5 + 1e-4 cap), or
// whose pseudo-label could be another, is decided again in double. The bounds are for the rounding of sums as
// they are made here (products in chunks of 128, |z|^2 in chunks of a vector's length), some standard
// deviations wide, not worst cases: those grow with D and would send every row to double. Terms of either
// sign are taken to round as at random; where all have one sign the sum grows on its way, and its rounding
// with it: such a sum is known by its own size. What stays outside: products that are all equal, whose
// roundings all go one way.
constexpr float kEpsilon = 5.9604645e-8f;  // 2^-24
// Of the difference of two logits, times |z| max|w_c| + max|b_c|; and times the larger of the two.
constexpr float kLogitError = 6 * kEpsilon;
constexpr float kAlignedLogitError = 12 * kEpsilon;
// Of q, and so of the gains relative to each other: what an error of the logits may do where several other
// classes are about as likely. Logits of thousands come near it.
constexpr float kSpreadError = 2.5e-4f;
// Squared lengths of gradients and distances that are far from the subnormal numbers and from overflow.
constexpr float kLeastLength2 = 1e-25f;
constexpr float kMostLength2 = 1e30f;
// Of u_c - u_y, times the largest entry of the Gram matrix (|q|_1 = 2); 2 of it for the classes that are left
// out.
constexpr float kGainError = 14 * kEpsilon;
// Of |A_k - z|^2 by expansion, times |z|^2 + |A_k|^2; and times |z . A_k|.
constexpr float kDistanceError = 8 * kEpsilon;
constexpr float kAlignedDistanceError = 24 * kEpsilon;
// Share of the band of agreement that float32 may use.
constexpr float kBandAbsolute = 0.75e-5f;
constexpr float kBandRelative = 0.75e-4f;
// Of confidence and margin: reached by heads whose logits run to hundreds, on rows they are unsure of.
constexpr float kProbabilityError = 2.5e-5f;
// Of the pseudo-label's gradient, which agrees within 1e-4 of its norm: what an error of the logits may do to
// it, and the share of max|w_c| that its direction must keep after cancelling.
constexpr float kGradientLogitError = 2.5e-5f;
constexpr float kGradientLeft = 0.02f;
