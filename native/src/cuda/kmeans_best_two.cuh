// What becomes of a tile's scores in an assignment: the best two of each row, kept in registers over all
// panels of centers, and then the row's new center or its place on a list.
//
// Kept of a row between passes, as in cpu/kmeans_assign.h: its own center's score, and a bound on every other
// center's; infinite: unknown.
#pragma once

#include "cuda/kmeans_columns.cuh"

namespace alfamix::cuda {

struct BestTwo {
  float best;
  float second;
  std::int32_t nearest;

  __device__ __forceinline__ void Look(float score, std::int32_t column) {
    const bool better = score > best;
    second = fmaxf(second, fminf(score, best));
    nearest = better ? column : nearest;
    best = fmaxf(score, best);
  }
  // A tie leaves either as the nearest: it is decided in double.
  __device__ __forceinline__ void Join(const BestTwo& other) {
    second = fmaxf(fminf(best, other.best), fmaxf(second, other.second));
    nearest = other.best > best ? other.nearest : nearest;
    best = fmaxf(best, other.best);
  }
};

struct AssignArgs {
  const float* shift;
  const float* half_norms;     // of the columns
  std::uint32_t first_row;     // of the pass
  const std::uint32_t* which;  // the rows; null: all
  const float* norms;
  ScoreBound bound;
  const std::int32_t* labels;       // of the rows, for a pass over some centers
  const std::uint32_t* clusters;    // of the columns, likewise
  const std::int32_t* own_columns;  // of the clusters, or -1; likewise
  std::int32_t* to;
  float* own;
  float* others;
  std::uint32_t* list;  // rows that could not be decided
  std::uint32_t* list_count;
};

// Over all centers: rows whose best two are too close go to the list, to be decided in double.
struct AllCenters {
  static constexpr bool kSome = false;

  static __device__ __forceinline__ bool Decide(const AssignArgs& args, std::size_t i, const BestTwo& two,
                                                float, double close) {
    // NaN, from overflow, is not more than an infinite bound.
    if (!(static_cast<double>(two.best) - static_cast<double>(two.second) > close)) return false;
    args.to[i] = two.nearest;
    args.own[i] = two.best;
    args.others[i] = two.second;
    return true;
  }
};

// Over the centers that moved, the row's own apart: rows that may go elsewhere, but not surely, go to the
// list, to be compared with all centers.
struct SomeCenters {
  static constexpr bool kSome = true;

  static __device__ __forceinline__ bool Decide(const AssignArgs& args, std::size_t i, const BestTwo& two,
                                                float own_score, double close) {
    const std::int32_t label = args.labels[i];
    const bool own_moved = args.own_columns[label] >= 0;
    const float other = args.others[i];
    const float own = own_moved ? own_score : args.own[i];
    // Where the own center didn't move, nor did any that was worse before without being worse now.
    const float rival = own_moved ? fmaxf(two.best, other) : two.best;
    const bool known = other < HUGE_VALF;
    if (known && static_cast<double>(own) - static_cast<double>(rival) > close) {
      args.to[i] = label;
      args.own[i] = own;
      args.others[i] = fmaxf(two.best, other);
      return true;
    }
    const float rest = fmaxf(fmaxf(two.second, other), own);
    if (!(static_cast<double>(two.best) - static_cast<double>(rest) > close)) return false;
    args.to[i] = static_cast<std::int32_t>(args.clusters[two.nearest]);
    args.own[i] = two.best;
    args.others[i] = rest;
    return true;
  }
};

template <typename Shape, typename Rule>
struct AssignHook : ShiftElements {
  static constexpr int kRowsAThread = Shape::kRowTiles * 2;

  // In shared memory.
  struct Joined {
    BestTwo two[Shape::kColumnWarps - 1][Shape::kRows];  // of warps but the first
    std::int32_t own_column[Shape::kRows];
    float own_score[Shape::kRows];
  };

  const AssignArgs& args;
  std::uint64_t rows;
  std::uint32_t panels;
  Joined* joined;
  BestTwo two[kRowsAThread];

  __device__ __forceinline__ AssignHook(const AssignArgs& args_, const TileOperands& operands,
                                        Joined* joined_)
      : ShiftElements{args_.shift},
        args(args_),
        rows(operands.row_count),
        panels(operands.panels),
        joined(joined_) {
    Forget();
  }

  __device__ __forceinline__ void Forget() {
    ALFAMIX_UNROLLED
    for (BestTwo& row : two) row = {-HUGE_VALF, -HUGE_VALF, 0};
  }

  __device__ __forceinline__ std::size_t RowOf(std::uint64_t at) const {
    return args.which == nullptr ? args.first_row + at : args.which[args.first_row + at];
  }

  __device__ __forceinline__ void Panel(const TileCursor& at, TileSums<Shape>& sums) {
    const TilePlace<Shape> place;
    if (Rule::kSome && at.panel == 0) FindOwnColumns(at);
    ALFAMIX_UNROLLED
    for (int r = 0; r < kRowsAThread; ++r) {
      const std::uint32_t row = place.RowOf(r / 2, r % 2 * 2);
      const std::int32_t own = Rule::kSome ? joined->own_column[row] : -1;
      ALFAMIX_UNROLLED
      for (int n = 0; n < Shape::kColumnTiles; ++n) {
        ALFAMIX_UNROLLED
        for (int i = 0; i < 2; ++i) {
          const auto column = static_cast<std::int32_t>(at.panel * Shape::kColumns + place.ColumnOf(n, i));
          const float score = sums[r / 2][n][r % 2 * 2 + i] - args.half_norms[column];
          if (Rule::kSome && column == own)
            joined->own_score[row] = score;
          else
            two[r].Look(score, column);
        }
      }
    }
    if (at.panel + 1 == panels) Join(at, place);
  }

  // What is there was read before the barriers of the stages in between.
  __device__ __forceinline__ void FindOwnColumns(const TileCursor& at) {
    const std::uint64_t row = at.tile * Shape::kRows + threadIdx.x;
    if (threadIdx.x < Shape::kRows)
      joined->own_column[threadIdx.x] = row < rows ? args.own_columns[args.labels[RowOf(row)]] : -1;
    __syncthreads();
  }

  // Joins what the threads of a row know.
  __device__ __forceinline__ void Join(const TileCursor& at, const TilePlace<Shape>& place) {
    ALFAMIX_UNROLLED
    for (int r = 0; r < kRowsAThread; ++r) {
      ALFAMIX_UNROLLED
      for (int mask = 1; mask <= 2; mask *= 2) {
        two[r].Join({__shfl_xor_sync(kAll, two[r].best, mask), __shfl_xor_sync(kAll, two[r].second, mask),
                     __shfl_xor_sync(kAll, two[r].nearest, mask)});
      }
      if (place.t == 0 && place.column_warp > 0)
        joined->two[place.column_warp - 1][place.RowOf(r / 2, r % 2 * 2)] = two[r];
    }
    __syncthreads();
    if (place.t == 0 && place.column_warp == 0) {
      ALFAMIX_UNROLLED
      for (int r = 0; r < kRowsAThread; ++r) {
        const std::uint32_t row = place.RowOf(r / 2, r % 2 * 2);
        if (at.tile * Shape::kRows + row >= rows) continue;
        BestTwo all = two[r];
        for (int warp = 1; warp < Shape::kColumnWarps; ++warp) all.Join(joined->two[warp - 1][row]);
        const std::size_t i = RowOf(at.tile * Shape::kRows + row);
        const float own_score = Rule::kSome ? joined->own_score[row] : 0.0f;
        if (!Rule::Decide(args, i, all, own_score, args.bound.Of(static_cast<double>(args.norms[i]))))
          args.list[atomicAdd(args.list_count, 1u)] = static_cast<std::uint32_t>(i);
      }
    }
    Forget();
  }
};

}  // namespace alfamix::cuda
