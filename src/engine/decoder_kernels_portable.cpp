// Decoder kernels for portable.
#define SRPO_KERNELS portable
#include "engine/decoder_kernels.inc"
