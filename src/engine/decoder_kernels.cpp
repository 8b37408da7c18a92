#include "engine/decoder_kernels.h"

#include "core/error.h"
#include "model/layer_kernels.h"

namespace srpo::engine {

namespace shared {

void add_and_normalize(float* h, const float* delta, const float* weight, float eps,
                       int64_t size, float* out) {
  if (delta != nullptr) model::add_to(h, delta, size);
  float inverse_rms = 0;
  model::rms_norm(h, weight, eps, 1, size, out, &inverse_rms);
}

void swiglu(const float* gate, const float* up, int64_t size, float* out) {
  model::swiglu(gate, up, size, out);
}

void rotate(float* head, const float* cos, const float* sin, int64_t head_dim) {
  const int64_t first = 0;
  model::rotate_heads({&first, 1}, cos, sin, 1, head_dim, head, 0, 1);
}

}  // namespace shared

const DecoderKernels& decoder_kernels(model::InstructionSet set) {
#if defined(__x86_64__)
  if (set == model::InstructionSet::kAvx512) return avx512::kDecoder;
  if (set == model::InstructionSet::kAvx2) return avx2::kDecoder;
#endif
  REQUIRE(set == model::InstructionSet::kPortable, kBadConfig,
          "this build has no vector kernels");
  return portable::kDecoder;
}

const DecoderKernels& decoder_kernels() {
  static const DecoderKernels& chosen = decoder_kernels(model::instruction_set());
  return chosen;
}

}  // namespace srpo::engine
