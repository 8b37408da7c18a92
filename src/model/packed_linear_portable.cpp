// Matrix products for portable.
#define SRPO_KERNELS portable
#include "model/packed_linear_kernels.inc"
