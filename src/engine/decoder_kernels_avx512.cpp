// Decoder kernels for avx512.
#define SRPO_KERNELS avx512
#include "engine/decoder_kernels.inc"
