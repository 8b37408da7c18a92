// Orders of the slot to the shim inside its sandbox: over descriptor 3, one byte with
// the three standard streams (SCM_RIGHTS), then a length and
// ShimLimits, files (name, content, executable), arguments, environment; numbers are
// uint64, texts have a length and a closing zero byte.
#pragma once

#include <cstdint>

namespace srpo::verify {

inline constexpr int kShimOrders = 3;
inline constexpr char kShimReady = 'R';

struct ShimLimits {
  uint64_t memory_bytes;
  uint64_t stack_bytes;
  uint64_t file_bytes;
  uint64_t open_files;
  uint64_t cpu_s;
  uint64_t processes;
};

}  // namespace srpo::verify
