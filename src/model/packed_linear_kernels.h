// The matrix products of PackedLinear, one set for each instruction set.
#pragma once

#include <cstdint>

#include "model/instruction_set.h"

namespace srpo::model {

/// Columns of a panel: weights are stored [panel][steps][kPanelColumns], four bytes each:
/// a float, or a pair of bfloat16 numbers for k = 2 * step (low half) and 2 * step + 1.
constexpr int64_t kPanelColumns = 32;

/// What one call computes: y[r][c] = sum over k of x[r][k] * w[c][k] for columns begin ..
/// end-1 (begin on a panel's edge).
struct LinearSpan {
  const void* x;       ///< [rows, steps] floats, or pairs of bfloat16
  float* y;            ///< [rows, out]
  const void* panels;  ///< 64-byte aligned; what lies behind them may be prefetched
  int64_t rows;
  int64_t steps;  ///< in, or half of it rounded up
  int64_t out;
  int64_t begin;
  int64_t end;  ///< at most out
};

/// Every output is a sum of chains of additions over ascending steps, whatever `rows` is.
struct PackedLinearKernels {
  /// Chains of 256 fused multiply-adds from 0, as in multiply() of matrix_product.h:
  /// equal bits.
  void (*float32)(const LinearSpan&);
  /// Exact products added in fp32, the second of a pair first. Where the processor has an
  /// instruction for it, numbers below 2^-126 count as 0.
  void (*bfloat16)(const LinearSpan&);
  /// x[rows, in] to the nearest bfloat16, ties to even, as pairs [rows, (in + 1) / 2].
  void (*round)(const float* x, int64_t rows, int64_t in, uint32_t* pairs);
};

namespace avx512bf16 {
extern const PackedLinearKernels kPackedLinear;
}
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

/// Those of instruction_set(), with the processor's own products of bfloat16 if it has
/// them (SRPO_BFLOAT16_PRODUCTS=0: without).
const PackedLinearKernels& packed_linear_kernels();

}  // namespace srpo::model
