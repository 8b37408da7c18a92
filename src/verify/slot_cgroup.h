// Memory, process and CPU bounds of one slot by a cgroup, where the machine delegates
// one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "verify/sandbox_descriptor.h"

namespace srpo::verify {

/// Where cgroups may be made: one folder (v2), or one a controller (v1).
struct CgroupBase {
  int version = 0;  ///< 0: none
  std::vector<std::filesystem::path> folders;
  bool has_cpu = false;  ///< v1: the last folder is that of the cpu controller
  std::string missing;   ///< why there is none
};

/// Looks at `configured`, or else at the process's own cgroup. Memory and pids must both
/// be there and writable.
CgroupBase find_cgroup_base(const std::filesystem::path& configured,
                            const std::filesystem::path& mount = "/sys/fs/cgroup",
                            const std::filesystem::path& own = "/proc/self/cgroup");

/// Makes (or takes over) `name` in every folder of the base; false with the reason.
bool make_cgroup(const CgroupBase& base, const std::string& name, std::string& reason);
/// Removes it with what is below; what is in use stays.
void remove_cgroup(const CgroupBase& base, const std::string& name);
/// Removes the cgroups `prefix<pid>` of processes that are no more, and ends what runs in
/// them.
void remove_stale_cgroups(const CgroupBase& base, const std::string& prefix);

/// One slot's cgroup, open: the files stay usable after privileges are dropped.
/// Thread-compatible.
class SlotCgroup {
 public:
  SlotCgroup() = default;  ///< none: every call does nothing
  /// `name` was made by make_cgroup. Throws kBadConfig when a file of it cannot be
  /// opened.
  SlotCgroup(const CgroupBase& base, const std::string& name);

  /// Moves the calling process into it; false when the kernel refuses.
  bool enter() const;
  void set_limits(uint64_t memory_bytes, uint64_t processes);
  /// Processes that the kernel has killed in it for want of memory.
  uint64_t num_memory_kills() const;

 private:
  std::vector<Descriptor> members_;
  Descriptor memory_limit_;
  Descriptor process_limit_;
  Descriptor memory_events_;
  uint64_t memory_bytes_ = 0;  // as set last
  uint64_t processes_ = 0;
};

}  // namespace srpo::verify
