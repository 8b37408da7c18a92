// Matrix products for avx2.
#define SRPO_KERNELS avx2
#include "model/packed_linear_kernels.inc"
