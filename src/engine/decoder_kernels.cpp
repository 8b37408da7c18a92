#include "engine/decoder_kernels.h"

#include "core/error.h"

namespace srpo::engine {

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
