#include "model/instruction_set.h"

#include <cstdlib>
#include <string>

#include "core/error.h"

namespace srpo::model {
namespace {

InstructionSet find_instruction_set() {
  const char* wanted = std::getenv("SRPO_INSTRUCTION_SET");
  const std::string name = wanted == nullptr ? "" : wanted;
  REQUIRE(name.empty() || name == "portable" || name == "avx2" || name == "avx512",
          kBadConfig,
          "SRPO_INSTRUCTION_SET=" << name << " (expected portable, avx2 or avx512)");
  if (name == "portable") return InstructionSet::kPortable;
  if (name != "avx2" && has_instruction_set(InstructionSet::kAvx512)) {
    return InstructionSet::kAvx512;
  }
  REQUIRE(name != "avx512", kBadConfig,
          "SRPO_INSTRUCTION_SET=avx512, but this processor has no AVX-512");
  if (has_instruction_set(InstructionSet::kAvx2)) return InstructionSet::kAvx2;
  REQUIRE(name != "avx2", kBadConfig,
          "SRPO_INSTRUCTION_SET=avx2, but this processor has no AVX2 with FMA");
  return InstructionSet::kPortable;
}

}  // namespace

bool has_instruction_set(InstructionSet set) {
#if defined(__x86_64__)
  switch (set) {
    case InstructionSet::kAvx512:
      return __builtin_cpu_supports("avx512f") > 0;
    case InstructionSet::kAvx2:
      return __builtin_cpu_supports("avx2") > 0 && __builtin_cpu_supports("fma") > 0;
    case InstructionSet::kPortable:
      return true;
  }
  return false;
#else
  return set == InstructionSet::kPortable;
#endif
}

bool has_bfloat16_products() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") > 0;
#else
  return false;
#endif
}

InstructionSet instruction_set() {
  static const InstructionSet kFound = find_instruction_set();
  return kFound;
}

}  // namespace srpo::model
