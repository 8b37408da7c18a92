// Matrix products for avx512.
#define SRPO_KERNELS avx512
#include "model/packed_linear_kernels.inc"
