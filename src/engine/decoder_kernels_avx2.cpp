// Decoder kernels for avx2.
#define SRPO_KERNELS avx2
#include "engine/decoder_kernels.inc"
