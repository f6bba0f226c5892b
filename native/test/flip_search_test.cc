// The flip search of every level against FlipRow in double, on buffers of exactly the size it may read.
#include "kernels/flip_search.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/levels.h"
#include "flip_problem.h"

namespace alfamix {
namespace {

JobOptions Options(int level, int threads) {
  JobOptions options;
  options.level = level;
  options.threads = threads;
  return options;
}

Outputs Search(const Problem& problem, const JobOptions& options) {
  Outputs out(problem.rows);
  const Status status = FlipSearch(problem.Params(), out.Pointers(), options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.text);
  CHECK(status.ok());
  return out;
}

TEST(AgreesWithFlipRow) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (const std::uint32_t dim : {1u, 2u, 7u, 8u, 15u, 17u, 31u, 33u, 64u, 70u, 257u}) {
      for (const std::uint32_t classes : {2u, 3u, 8u, 9u, 17u}) {
        for (const std::uint32_t anchors : {0u, 1u, 5u, 8u, 19u}) {
          const auto kind = static_cast<Kind>((dim + classes + anchors) % static_cast<int>(Kind::kKinds));
          const std::uint64_t rows = 1 + (dim * 13 + classes * 5 + anchors) % 70;
          const Problem problem(rows, dim, classes, anchors, kind);
          CheckAgainstFlipRow(problem, Search(problem, Options(level, 1)));
        }
      }
    }
  }
}

TEST(EveryKindAndRowCount) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
      for (std::uint64_t rows = 1; rows <= 67; rows += rows < 10 ? 1 : 3) {
        const Problem problem(rows, 19, 5, 5, static_cast<Kind>(kind));
        CheckAgainstFlipRow(problem, Search(problem, Options(level, 2)));
      }
    }
  }
}

// Many anchors (several slot tables), many classes (unlikely ones left out where the head is sure of itself),
// more classes than dimensions (gains through the gradient), and heads so unsure that many classes may flip a
// row first.
TEST(ManyClassesAndAnchors) {
  struct Shape {
    std::uint32_t dim, classes, anchors;
    float sharpness;
  };
  const Shape shapes[] = {{40, 7, 13, 1},      {40, 5, 33, 1},     {24, 3, 150, 1}, {90, 130, 20, 1},
                          {90, 130, 20, 20},   {150, 300, 6, 30},  {20, 64, 9, 1},  {20, 70, 9, 8},
                          {60, 40, 37, 0.05f}, {33, 90, 50, 0.01f}};
  for (int level = 0; level < LevelCount(); ++level) {
    for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
      for (const Shape& shape : shapes) {
        Problem problem(45, shape.dim, shape.classes, shape.anchors, static_cast<Kind>(kind));
        for (float& x : problem.weight) x *= shape.sharpness;
        CheckAgainstFlipRow(problem, Search(problem, Options(level, 1)));
      }
    }
  }
}

// A row's results are the same bytes whatever rows stand beside it.
TEST(RowsDontDependOnTheirNeighbours) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (int kind = 0; kind < static_cast<int>(Kind::kKinds); ++kind) {
      for (const std::uint32_t classes : {6u, 90u}) {
        const Problem problem(70, 37, classes, 11, static_cast<Kind>(kind));
        const Outputs together = Search(problem, Options(level, 1));
        for (std::uint64_t i = 0; i < problem.rows; i += 3) {
          Problem alone = problem;
          alone.rows = 1;
          alone.pool.assign(problem.pool.begin() + i * problem.dim,
                            problem.pool.begin() + (i + 1) * problem.dim);
          const Outputs one = Search(alone, Options(level, 1));
          CHECK(one.pseudo_label[0] == together.pseudo_label[i]);
          CHECK(std::memcmp(&one.entropy[0], &together.entropy[i], sizeof(float)) == 0);
          CHECK(std::memcmp(&one.flip_cap[0], &together.flip_cap[i], sizeof(float)) == 0);
          CHECK(one.flip_anchor[0] == together.flip_anchor[i]);
          CHECK(one.flip_to[0] == together.flip_to[i]);
        }
      }
    }
  }
}

TEST(ThreadsGiveTheSameBytes) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (const Kind kind : {Kind::kPlain, Kind::kRelu, Kind::kQuantised}) {
      // Several blocks of rows: a block is at most 1 MiB of them.
      const Problem problem(9001, 130, 7, 7, kind);
      const Outputs one = Search(problem, Options(level, 1));
      for (const int threads : {2, 5}) CHECK(Same(Search(problem, Options(level, threads)), one));
    }
  }
}

TEST(EqualHeadRowsNeverFlip) {
  for (int level = 0; level < LevelCount(); ++level) {
    Problem problem(37, 21, 4, 4, Kind::kPlain);
    for (std::uint32_t c = 1; c < problem.classes; ++c)
      std::copy_n(problem.weight.data(), problem.dim, problem.weight.data() + c * problem.dim);
    const Outputs out = Search(problem, Options(level, 1));
    for (const float cap : out.flip_cap) CHECK(std::isinf(cap));
    CheckAgainstFlipRow(problem, out);
  }
}

TEST(LowestBadRowIsNamed) {
  for (int level = 0; level < LevelCount(); ++level) {
    for (const int threads : {1, 2, 5}) {
      Problem problem(9001, 130, 3, 3, Kind::kPlain);
      for (const std::uint64_t row : {8000u, 4097u, 2300u}) {
        problem.pool[row * problem.dim + row % problem.dim] = row == 4097 ? HUGE_VALF : kNan;
        Outputs out(problem.rows);
        const Status status = FlipSearch(problem.Params(), out.Pointers(), Options(level, threads));
        CHECK(status.code == Code::kNonFinite);
        CHECK(status.row == static_cast<std::int64_t>(row));
      }
    }
  }
}

TEST(HookAbortsAndCounts) {
  const Problem problem(9001, 130, 7, 7, Kind::kPlain);
  for (const int threads : {1, 2, 5}) {
    for (const int stop_at : {1, 2, 0}) {
      JobOptions options = Options(LevelCount() - 1, threads);
      Calls calls{stop_at};
      options.progress = Count;
      options.progress_context = &calls;
      Outputs out(problem.rows);
      const Status status = FlipSearch(problem.Params(), out.Pointers(), options);
      CHECK(status.code == (stop_at == 0 ? Code::kOk : Code::kAborted));
      CHECK(calls.monotone);
      if (stop_at == 0) CHECK(calls.last == problem.rows);
    }
  }
}

}  // namespace
}  // namespace alfamix
