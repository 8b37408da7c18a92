// The matrix products of PackedLinear, one set for each instruction set.
#pragma once

#include <cstdint>

#include "model/instruction_set.h"

namespace srpo::model {

/// Columns of a panel: weights are stored [panel][in][kPanelColumns].
constexpr int64_t kPanelColumns = 32;

/// What one call computes: y[r][c] = sum over k of x[r][k] * w[c][k] for columns begin ..
/// end-1 (begin on a panel's edge).
struct LinearSpan {
  const float* x;      ///< [rows, in]
  float* y;            ///< [rows, out]
  const void* panels;  ///< float or bfloat16, 64-byte aligned
  int64_t rows;
  int64_t in;
  int64_t out;
  int64_t begin;
  int64_t end;  ///< at most out
};

/// Every output is one chain of fused multiply-adds from 0 over ascending k, whatever
/// `rows` is.
struct PackedLinearKernels {
  void (*float32)(const LinearSpan&);
  void (*bfloat16)(const LinearSpan&);
};

namespace avx512 {
extern const PackedLinearKernels kPackedLinear;
}
namespace avx2 {
extern const PackedLinearKernels kPackedLinear;
}
namespace portable {
extern const PackedLinearKernels kPackedLinear;
}

/// Throws kBadConfig if this build has no such kernels.
const PackedLinearKernels& packed_linear_kernels(InstructionSet set);

}  // namespace srpo::model
