// Starts the shim behind the walls of a rung.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "verify/sandbox_config.h"
#include "verify/sandbox_descriptor.h"
#include "verify/slot_cgroup.h"

namespace srpo::verify {

/// A sandbox with the shim in it, waiting for orders. `process` is a child of the caller;
/// everything inside dies with it (A, B) or with the caller's descendants (C).
struct ConfinedShim {
  pid_t process = -1;
  Descriptor watch;   ///< a pidfd
  Descriptor orders;  ///< see sandbox_shim.h
  Descriptor error;   ///< what was said while the walls went up

  explicit operator bool() const { return process > 0; }
};

/// The walls of one slot. Made once, before privileges are dropped. One thread only.
class SlotConfinement {
 public:
  /// `shim`: the bytes of the shim's executable.
  SlotConfinement(SandboxRung rung, const SandboxConfig& config, const std::string& shim);

  void set_cgroup(SlotCgroup cgroup) { cgroup_ = std::move(cgroup); }
  SlotCgroup& cgroup() { return cgroup_; }
  /// Moves the calling process into the cgroup, for good; what it starts is in it from
  /// the beginning (moving each would cost an RCU grace period a controller). It asks the
  /// kernel to kill others first. Throws kBadConfig when the kernel refuses.
  void enter_cgroup() const;

  /// A shim of its own in a fresh sandbox; it is up when kShimReady can be read from its
  /// orders. Throws kBug when the system has no process or descriptor left.
  ConfinedShim start();

  /// Waits for kShimReady; else what went wrong.
  static std::string wait_ready(ConfinedShim& shim, double timeout_s);

  SandboxRung rung() const { return rung_; }
  /// The working directory of a run at rung C, "" otherwise: emptied by the caller.
  const std::string& scratch() const { return scratch_; }
  void set_scratch(std::string folder) { scratch_ = std::move(folder); }

 private:
  [[noreturn]] void become_shim(int orders, int error) const;
  [[noreturn]] void become_bare_shim() const;

  SandboxRung rung_;
  Descriptor shim_;    // memory file
  Descriptor filter_;  // memory file
  std::vector<std::string> read_only_;
  std::vector<std::string> arguments_;  // of bwrap
  SlotCgroup cgroup_;
  std::string scratch_;
};

}  // namespace srpo::verify
