// interpolate on the device: the mix to the byte as on the CPU, the logits near the sums in double.
#include "kernels/interpolate.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "cuda/kernels.h"
#include "random_rows.h"

namespace alfamix {
namespace {

using test::Looks;
using test::RandomRows;
using test::WithLooks;

constexpr float kPoison = 12345.678f;

struct Mix {
  std::uint64_t rows;
  std::uint32_t dim, anchor_count, classes;
  std::vector<float> data, anchors, alpha, weight, bias;
  std::vector<std::int32_t> index;

  Mix(RandomRows& random, std::uint64_t rows, std::uint32_t dim, std::uint32_t anchor_count,
      std::uint32_t classes)
      : rows(rows),
        dim(dim),
        anchor_count(anchor_count),
        classes(classes),
        data(random.Uniform(rows * dim)),
        anchors(random.Uniform(std::size_t{anchor_count} * dim)),
        alpha(random.Uniform(rows * dim, 3)),
        weight(random.Uniform(std::size_t{classes} * dim)),
        bias(random.Uniform(classes)),
        index(random.Index(rows, -1, static_cast<std::int32_t>(anchor_count) - 1)) {
    for (std::size_t i = 0; i < data.size(); i += 7) data[i] = 0;
    for (std::size_t i = 0; i < alpha.size(); i += 5) alpha[i] *= 1e6f;
  }
  InterpolateParams Params() const {
    InterpolateParams params;
    params.data = data.data();
    params.rows = rows;
    params.dim = dim;
    params.anchors = anchors.data();
    params.anchor_count = anchor_count;
    params.anchor_index = index.data();
    params.alpha = alpha.data();
    params.weight = weight.data();
    params.bias = bias.data();
    params.classes = classes;
    return params;
  }
};

using Kernel = Status (*)(const InterpolateParams&, const InterpolateOutput&, const JobOptions&);

struct Result {
  Status status;
  std::vector<float> mixed, logits;
};

Result Run(Kernel kernel, const Mix& mix, Looks* looks = nullptr) {
  // One value more than there is room for, to see that it stays.
  Result result{{},
                std::vector<float>(mix.rows * mix.dim + 1, kPoison),
                std::vector<float>(mix.rows * mix.classes + 1, kPoison)};
  result.status = kernel(mix.Params(), {result.mixed.data(), result.logits.data()}, WithLooks(looks));
  return result;
}

bool SameBytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Against sums in double: float32's own bound for any order of the sum.
bool LogitsRight(const Mix& mix, const Result& result) {
  for (std::uint64_t i = 0; i < mix.rows; ++i) {
    for (std::uint32_t c = 0; c < mix.classes; ++c) {
      double sum = static_cast<double>(mix.bias[c]), size = std::fabs(sum);
      for (std::uint32_t j = 0; j < mix.dim; ++j) {
        const double term = static_cast<double>(result.mixed[i * mix.dim + j]) *
                            static_cast<double>(mix.weight[std::size_t{c} * mix.dim + j]);
        sum += term;
        size += std::fabs(term);
      }
      const double error = std::fabs(static_cast<double>(result.logits[i * mix.classes + c]) - sum);
      // At most 256 terms in a row, then D / 256 of their sums.
      if (!(error <= size * (std::min(mix.dim, 256u) + mix.dim / 256 + 2) * 0x1.0p-24)) return false;
    }
  }
  return result.logits.back() == kPoison && result.mixed.back() == kPoison;
}

TEST(AsOnTheCpuAtEverySize) {
  RandomRows random;
  const struct {
    std::uint64_t rows;
    std::uint32_t dim, anchors, classes;
  } shapes[] = {{1, 1, 1, 1},    {1, 37, 2, 0},   {3, 5, 1, 2},     {63, 16, 7, 10},    {65, 17, 3, 65},
                {129, 31, 5, 3}, {257, 64, 9, 2}, {40, 513, 2, 11}, {20, 1027, 3, 130}, {5, 3, 2, 1000}};
  for (const auto& shape : shapes) {
    const Mix mix(random, shape.rows, shape.dim, shape.anchors, shape.classes);
    const Result expected = Run(Interpolate, mix);
    const Result found = Run(cuda::Interpolate, mix);
    CHECK_OK(expected.status);
    CHECK_OK(found.status);
    CHECK(SameBytes(expected.mixed, found.mixed));
    CHECK(LogitsRight(mix, found));
  }
}

TEST(MoreRowsThanOneChunk) {
  RandomRows random;
  const Mix mix(random, 9001, 13, 4, 5);
  Looks looks;
  const Result found = Run(cuda::Interpolate, mix, &looks);
  CHECK_OK(found.status);
  CHECK(SameBytes(Run(Interpolate, mix).mixed, found.mixed));
  CHECK(LogitsRight(mix, found));
  CHECK(looks.last == mix.rows && looks.total == mix.rows && !looks.falling);
}

TEST(RowsWithoutAnAnchorStay) {
  RandomRows random;
  Mix mix(random, 50, 9, 2, 3);
  mix.index.assign(mix.rows, -1);
  // Their alphas aren't looked at.
  mix.alpha.assign(mix.alpha.size(), std::numeric_limits<float>::quiet_NaN());
  const Result found = Run(cuda::Interpolate, mix);
  CHECK_OK(found.status);
  CHECK(std::memcmp(found.mixed.data(), mix.data.data(), mix.data.size() * sizeof(float)) == 0);
  CHECK(LogitsRight(mix, found));
  mix.anchor_count = 0;
  CHECK_OK(Run(cuda::Interpolate, mix).status);
}

TEST(NoRows) {
  RandomRows random;
  CHECK_OK(Run(cuda::Interpolate, Mix(random, 0, 9, 2, 3)).status);
}

// Sums of float32 that leave it on the way but come back.
TEST(LogitsBeyondFloat32OnTheWay) {
  RandomRows random;
  Mix mix(random, 3, 300, 1, 3);
  mix.index.assign(mix.rows, -1);
  mix.data.assign(mix.data.size(), 0);
  mix.weight.assign(mix.weight.size(), 0);
  for (std::uint32_t c = 0; c < 3; ++c) {
    mix.weight[c * 300 + 1] = 3e19f;
    mix.weight[c * 300 + 2] = 3e19f;
    mix.weight[c * 300 + 290] = c == 2 ? 3e19f : -3e19f;
  }
  for (std::uint32_t i = 0; i < 3; ++i)
    for (const int j : {1, 2, 290}) mix.data[i * 300 + j] = 1e19f;
  const Result expected = Run(Interpolate, mix);
  const Result found = Run(cuda::Interpolate, mix);
  CHECK_OK(found.status);
  CHECK(SameBytes(expected.logits, found.logits));
  CHECK(std::isfinite(found.logits[0]) && found.logits[2] == HUGE_VALF);
}

TEST(TheSameErrors) {
  RandomRows random;
  const auto same = [](const Mix& mix) {
    const Status expected = Run(Interpolate, mix).status;
    const Status found = Run(cuda::Interpolate, mix).status;
    CHECK(!found.ok() && found.code == expected.code && found.row == expected.row);
    CHECK(std::strcmp(found.text, expected.text) == 0);
  };
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF, -HUGE_VALF}) {
    Mix mix(random, 9001, 13, 4, 2);
    for (const std::uint64_t row : {8999u, 4711u, 4712u}) mix.data[row * 13 + row % 13] = bad;
    same(mix);
  }
  Mix beyond(random, 100, 3, 1, 0);
  beyond.index[77] = 0;
  beyond.alpha[77 * 3] = 3e38f;
  beyond.anchors[0] = 1000;
  same(beyond);
  for (const std::int32_t index : {4, -2}) {
    Mix mix(random, 200, 3, 4, 2);
    mix.index[150] = mix.index[199] = index;
    same(mix);
  }
}

TEST(AbortsAndWorksAgain) {
  RandomRows random;
  const Mix mix(random, 9001, 13, 4, 5);
  Looks whole;
  CHECK_OK(Run(cuda::Interpolate, mix, &whole).status);
  for (std::uint64_t at = 1; at < whole.count; at += whole.count / 7 + 1) {
    Looks looks;
    looks.refuse_at = at;
    CHECK(Run(cuda::Interpolate, mix, &looks).status.code == Code::kAborted);
  }
  CHECK_OK(Run(cuda::Interpolate, mix).status);
}

}  // namespace
}  // namespace alfamix
