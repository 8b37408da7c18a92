// The parts of a decoder step that are not matrix products, one set for each instruction
// set.
#pragma once

#include <cstdint>

#include "model/instruction_set.h"

namespace srpo::engine {

/// Queries of one tile: they read the keys and values of one head of one sequence.
constexpr int kTileQueries = 4;

/// out[i] = sum over hidden[i] <= t < visible[i] of softmax(scale * q[i] . k[t]) * v[t].
struct AttentionTile {
  int queries = 0;
  const float* q[kTileQueries];       ///< [head_dim]
  float* out[kTileQueries];           ///< [head_dim]
  int64_t visible[kTileQueries];      ///< end of the keys each query sees
  int64_t hidden[kTileQueries] = {};  ///< keys before those it sees; less than visible
  const float* keys =
      nullptr;  ///< of block 0: [head_dim][16]; block b lies b * block_floats further
  const float* values = nullptr;  ///< of block 0: [16][value_dim]
  const int32_t* blocks = nullptr;
  int64_t block_floats = 0;
  int64_t head_dim = 0;
  int64_t value_dim = 0;
  float scale = 1;
};

/// All sums run in an order that follows from the sizes alone. AVX2 and AVX-512 give
/// equal bits.
struct DecoderKernels {
  /// h += delta (unless null), then out = h / rms(h) * weight.
  void (*add_and_normalize)(float* h, const float* delta, const float* weight, float eps,
                            int64_t size, float* out);
  /// out = silu(gate) * up.
  void (*swiglu)(const float* gate, const float* up, int64_t size, float* out);
  /// Rotates halves of one head in place.
  void (*rotate)(float* head, const float* cos, const float* sin, int64_t head_dim);
  /// `scratch` holds kTileQueries * scratch_floats(longest visible) floats.
  void (*attend)(const AttentionTile& tile, float* scratch, int64_t scratch_stride);
  float (*greatest)(const float* x, int64_t size);
  /// out[i] = exp((x[i] - offset) * scale); sums[c] = their sum over chunk c of kSumChunk
  /// numbers.
  void (*exponentials)(const float* x, float offset, float scale, int64_t size,
                       float* out, double* sums);
};

constexpr int64_t kSumChunk = 256;

/// Floats of scratch a query needs to see `visible` keys.
inline int64_t attention_scratch(int64_t visible) { return (visible + 127) / 128 * 128; }

/// The learner's own functions (model/layer_kernels.h), so that both compute the same
/// bits.
namespace shared {
void add_and_normalize(float* h, const float* delta, const float* weight, float eps,
                       int64_t size, float* out);
void swiglu(const float* gate, const float* up, int64_t size, float* out);
void rotate(float* head, const float* cos, const float* sin, int64_t head_dim);
}  // namespace shared

namespace avx512 {
extern const DecoderKernels kDecoder;
}
namespace avx2 {
extern const DecoderKernels kDecoder;
}
namespace portable {
extern const DecoderKernels kDecoder;
}

const DecoderKernels& decoder_kernels(model::InstructionSet set);
/// Those of model::instruction_set().
const DecoderKernels& decoder_kernels();

}  // namespace srpo::engine
