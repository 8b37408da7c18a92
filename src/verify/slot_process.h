// The process of one slot: serves one run after another, each in a fresh sandbox.
#pragma once

#include <string>
#include <sys/types.h>

#include "verify/sandbox_config.h"
#include "verify/sandbox_ladder.h"
#include "verify/sandbox_messages.h"

namespace srpo::verify {

/// What a slot is made with. `cgroup_name`: made under `base` for rung A.
struct SlotPlan {
  SandboxRung rung = SandboxRung::kNone;
  SandboxConfig config;
  std::string shim;
  CgroupBase base;
  std::string cgroup_name;
};

/// Reads runs from `socket` and writes results until the other side closes it. The next
/// sandbox is put up while no run is asked for, and used once. Ends the process.
[[noreturn]] void serve_slot(const SlotPlan& plan, Descriptor socket);

/// Removes what a slot process of rung C has left in /tmp, if anything.
void remove_scratch(pid_t slot);

inline constexpr uint64_t kMostRunBytes = 512ULL << 20;

}  // namespace srpo::verify
