// Matrix products for avx512 with products of bfloat16 pairs.
#define SRPO_KERNELS avx512bf16
#include "model/packed_linear_kernels.inc"
