// Which rung of confinement this machine allows: found out by trying, once.
#pragma once

#include <string>

#include "verify/sandbox_config.h"
#include "verify/slot_cgroup.h"

namespace srpo::verify {

/// What was found. `rung` is kNone where the configured rung cannot be had.
struct LadderReport {
  SandboxRung rung = SandboxRung::kNone;
  std::string description;  ///< one line: what it consists of, and why it is not better

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rung", self.rung);
    visit("description", self.description);
  }
};

/// The highest rung that works and that the configuration allows. Starts a shim for each
/// rung it tries, so the caller must have no other children. `base`: where cgroups can be
/// made; `folder`: a cgroup of the caller's there, already made, or "".
LadderReport climb_ladder(const SandboxConfig& config, const std::string& shim,
                          const CgroupBase& base, const std::string& folder);

/// Permanently the uid and gid that a slot has when started by root: the first free one
/// from `first_uid` on, reserved by the descriptor that is returned. Without root it does
/// nothing and returns none. Throws kBadConfig when 10000 are taken.
Descriptor become_slot_user(uint32_t first_uid);

}  // namespace srpo::verify
