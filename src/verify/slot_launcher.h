// Between class Sandbox and its launcher, over the launcher's descriptor 3: SandboxConfig
// (a frame) to it, LadderReport (a frame) back; then orders. An opened slot answers with
// its process id (int32) and its socket (SCM_RIGHTS).
#pragma once

#include <cstdint>

namespace srpo::verify {

inline constexpr int kLauncherControl = 3;
inline constexpr double kSecondsToStart = 60;

struct LauncherOrder {
  enum Kind : uint32_t { kOpen, kEnd };
  Kind kind = kOpen;
  uint32_t slot = 0;
};

}  // namespace srpo::verify
