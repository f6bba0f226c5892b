// The typed arrays that a job reads and writes in place: checked, and kept alive by references until it has
// stopped.
//
// JavaScript thread only, the destructor included: Job::Settle and the environment's cleanup release the
// references there, so that a Pins destroyed on a pool thread is empty. Nothing here runs a caller's
// JavaScript, so what was checked first still holds at the end. A reference doesn't stop the owner from
// transferring the buffer to another thread while the job runs, and Node-API has no way to: the documentation
// forbids it, as Node's own fs calls do.
#pragma once

#include <napi.h>

#include <cstdint>
#include <vector>

#include "kernels/row_source.h"

namespace alfamix::addon {

class Environment;

// The fields of a selection of rows, read but not looked at; null for those not given.
struct Selected {
  napi_value data = nullptr;
  std::uint64_t data_rows = 0;
  napi_value index = nullptr;
  napi_value scale = nullptr;
};

class Pins {
 public:
  explicit Pins(Environment& environment) : environment_(&environment) {}
  Pins(Pins&&) = default;
  Pins& operator=(Pins&&) = delete;
  ~Pins() { Release(); }

  // A Float32Array or Int32Array of exactly rows x columns values, in place: its byte offset counts, a
  // SharedArrayBuffer is as good as an ArrayBuffer. Throws CallError INVALID_ARGUMENT (another type; a
  // detached or resizable buffer) or SHAPE_MISMATCH (length). Never null, not even for no values.
  const float* Floats(napi_value value, const char* name, std::uint64_t rows, std::uint64_t columns = 1);
  // The same of any type: a Uint16Array for 16-bit floats, a Float64Array.
  const void* Values(napi_value value, DType dtype, const char* name, std::uint64_t rows,
                     std::uint64_t columns = 1);
  const std::int32_t* Ints(napi_value value, const char* name, std::uint64_t rows, std::uint64_t columns = 1);

  // A new zeroed array for a result. Throws CallError OUT_OF_MEMORY.
  float* NewFloats(napi_ref& handle, std::uint64_t rows, std::uint64_t columns = 1);
  double* NewDoubles(napi_ref& handle, std::uint64_t rows, std::uint64_t columns = 1);
  std::int32_t* NewInts(napi_ref& handle, std::uint64_t rows, std::uint64_t columns = 1);

  // The rows of kmeans and nearestMembers: `params` has data, index, scale, rows and dim. `index` is copied
  // to `own_index`, and checked there, because a caller may write meanwhile.
  template <typename Params>
  void Selection(const Selected& selected, Params& params, std::vector<std::int32_t>& own_index) {
    const std::uint64_t held = selected.index == nullptr ? params.rows : selected.data_rows;
    params.data = Floats(selected.data, "data", held, params.dim);
    if (selected.scale != nullptr) params.scale = Floats(selected.scale, "scale", params.rows);
    if (selected.index == nullptr) return;
    own_index = Index(selected, params.rows);
    params.index = own_index.data();
  }

  // Keeps any object or function alive.
  napi_ref Keep(napi_value object);

  void Release();

 private:
  void* View(napi_value value, napi_typedarray_type type, const char* name, std::uint64_t rows,
             std::uint64_t columns);
  std::vector<std::int32_t> Index(const Selected& selected, std::uint64_t rows);
  void* NewArray(napi_ref constructor, napi_ref& handle, std::uint64_t rows, std::uint64_t columns);

  Environment* environment_;
  std::vector<napi_ref> references_;
};

// rows * columns; throws CallError SHAPE_MISMATCH where that many values can't be addressed.
std::uint64_t CountValues(const char* name, std::uint64_t rows, std::uint64_t columns);

}  // namespace alfamix::addon
