// The border between the addon and its CUDA plug-in, a shared library of its own: one C function that hands
// out a table of C functions over the plain structs of kernels/*.h. Both sides are built from one tree;
// kCudaAbi and the version, compared before anything else, keep strangers apart.
//
// Functions of the table may be called from any thread, never throw, never end the process, and take the
// structs as the kernels of the same names do; JobOptions::level is not looked at. One call at a time uses
// the device, the others wait for their turn and can be aborted meanwhile.
#pragma once

#include <cstdint>

#include "kernels/closed_form_alpha.h"
#include "kernels/flip_search.h"
#include "kernels/interpolate.h"
#include "kernels/k_center_greedy.h"
#include "kernels/kmeans.h"
#include "kernels/kmeans_plus_plus.h"
#include "kernels/nearest_members.h"
#include "kernels/pseudo_label_gradient.h"
#include "kernels/score_uncertainty.h"

namespace alfamix {

// Raised with every change of this file or of the structs it names.
constexpr std::uint32_t kCudaAbi = 2;

constexpr int kMostCudaDevices = 16;

struct CudaDevice {
  char name[128] = {0};
  int major = 0;  // compute capability
  int minor = 0;
  int multiprocessors = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t free_bytes = 0;  // of the device that is used; 0 of others
};

// What the plug-in finds on this machine.
struct CudaDescription {
  int driver = 0;   // as CUDA counts: 13000 is 13.0; 0: none
  int runtime = 0;  // linked into the plug-in
  int device_count = 0;
  int device = -1;  // the one that is used: the first it can run on; -1: none
  CudaDevice devices[kMostCudaDevices];
  char cublas[160] = {0};  // library and its version, or why there is none
  char reason[240] = {0};  // why nothing can run here; empty when it can
};

struct CudaPlugin {
  std::uint32_t abi;
  const char* version;  // of the package it was built from

  // Starts the driver. May take a second the first time.
  void (*describe)(CudaDescription* out);
  // Multiplies on the device and compares with the host: whether it can be trusted.
  void (*self_test)(Status* status);

  void (*flip_search)(const FlipSearchParams* params, const FlipSearchOutput* output,
                      const JobOptions* options, Status* status);
  void (*score_uncertainty)(const ScoreUncertaintyParams* params, const UncertaintyScores* output,
                            const JobOptions* options, Status* status);
  void (*interpolate)(const InterpolateParams* params, const InterpolateOutput* output,
                      const JobOptions* options, Status* status);
  void (*pseudo_label_gradient)(const PseudoLabelGradientParams* params,
                                const PseudoLabelGradientOutput* output, const JobOptions* options,
                                Status* status);
  void (*closed_form_alpha)(const ClosedFormAlphaParams* params, float* alpha, const JobOptions* options,
                            Status* status);
  void (*k_center_greedy)(const KCenterGreedyParams* params, const PickedRows* output,
                          const JobOptions* options, Status* status);
  void (*kmeans_plus_plus)(const KMeansPlusPlusParams* params, const PickedRows* output,
                           const JobOptions* options, Status* status);
  void (*kmeans)(const KMeansParams* params, KMeansOutput* output, const JobOptions* options, Status* status);
  void (*nearest_members)(const NearestMembersParams* params, std::int32_t* members,
                          const JobOptions* options, Status* status);
};

}  // namespace alfamix

#if defined(_WIN32)
#define ALFAMIX_CUDA_EXPORT __declspec(dllexport)
#else
#define ALFAMIX_CUDA_EXPORT __attribute__((visibility("default")))
#endif

// The plug-in's only symbol (exports.map): its table, or null when it doesn't speak `abi`.
extern "C" ALFAMIX_CUDA_EXPORT const alfamix::CudaPlugin* alfamix_cuda_plugin(std::uint32_t abi);
