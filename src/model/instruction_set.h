// Which vector instructions this processor has, found once at run time.
#pragma once

namespace srpo::model {

enum class InstructionSet { kPortable, kAvx2, kAvx512 };

/// The best that both this processor and this build have.
/// SRPO_INSTRUCTION_SET=portable|avx2|avx512 asks for less; asking for more than there
/// is, or for an unknown name, throws kBadConfig. AVX2 and AVX-512 give equal bits.
InstructionSet instruction_set();

/// True if this processor has it.
bool has_instruction_set(InstructionSet set);

/// True if it multiplies pairs of bfloat16 numbers in registers of AVX-512.
bool has_bfloat16_products();

}  // namespace srpo::model
