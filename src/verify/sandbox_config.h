// How model-written code is confined: section `sandbox` of a job file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config_table.h"

namespace srpo::verify {

/// Rungs of confinement, strongest first.
enum class SandboxRung : uint8_t {
  kA = 0,     ///< namespaces, seccomp, rlimits, cgroup
  kB = 1,     ///< namespaces, seccomp, rlimits
  kC = 2,     ///< seccomp, Landlock, rlimits: cannot hide processes
  kNone = 3,  ///< nothing: no program is run
};

/// "A", "B", "C", "none".
inline const char* name_of(SandboxRung rung) {
  static constexpr const char* kNames[] = {"A", "B", "C", "none"};
  return kNames[static_cast<int>(rung)];
}

struct SandboxConfig {
  std::string rung =
      "auto";  ///< "auto": the best there is; "A", "B", "C": that one or none
  bool allow_weak = false;     ///< rung C is refused without it
  uint32_t slots = 0;          ///< runs at a time; 0: one a core (a job: verify.workers)
  uint32_t first_uid = 61000;  ///< as root: slots take free uids from here on
  uint32_t scratch_mb = 32;    ///< the run's own /tmp, in memory
  uint32_t memory_mb = 1024;   ///< of a run, where the run asks for no less
  uint32_t processes = 32;
  double check_s = 300;  ///< of all tests of a program together
  std::string python = "/usr/bin/python3";
  std::string read_only;  ///< more paths to show the program, with ':' between them
  std::string cgroup;     ///< a delegated cgroup folder; "": the process's own

  /// Throws kBadConfig for a wrong value.
  static SandboxConfig read(const core::ConfigTable& table);

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("rung", self.rung);
    visit("allow_weak", self.allow_weak);
    visit("slots", self.slots);
    visit("first_uid", self.first_uid);
    visit("scratch_mb", self.scratch_mb);
    visit("memory_mb", self.memory_mb);
    visit("processes", self.processes);
    visit("check_s", self.check_s);
    visit("python", self.python);
    visit("read_only", self.read_only);
    visit("cgroup", self.cgroup);
  }
};

}  // namespace srpo::verify
