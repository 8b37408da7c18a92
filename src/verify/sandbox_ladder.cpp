#include "verify/sandbox_ladder.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "verify/slot_confinement.h"
#include "verify/slot_landlock.h"
#include "verify/slot_run.h"

namespace srpo::verify {
namespace {

constexpr double kSecondsToComeUp = 10;

/// Whether a shim comes up behind these walls, tried in a process that has the rights a
/// slot has; "" or the reason.
std::string try_walls(SandboxRung rung, const SandboxConfig& config,
                      const std::string& shim, const CgroupBase& base,
                      const std::string& folder) {
  auto [mine, theirs] = make_socket_pair();
  const pid_t process = ::fork();
  ENSURE(process >= 0, "fork: " << std::strerror(errno));
  if (process == 0) {
    std::string reason;
    try {
      ::prctl(PR_SET_CHILD_SUBREAPER, 1);
      SlotConfinement walls(rung, config, shim);
      if (rung == SandboxRung::kA) {
        walls.set_cgroup(SlotCgroup(base, folder));
        walls.enter_cgroup();
      }
      if (rung == SandboxRung::kC) walls.set_scratch("/tmp");
      const Descriptor user = become_slot_user(config.first_uid);
      ConfinedShim started = walls.start();
      reason = SlotConfinement::wait_ready(started, kSecondsToComeUp);
      end_all_children();
    } catch (const core::Error& error) {
      reason = error.what();
    }
    send_frame(theirs.get(), core::to_bytes(reason));
    ::_exit(0);
  }
  theirs.reset();
  const auto frame = receive_frame(mine.get(), 65536, 2 * kSecondsToComeUp);
  ::waitpid(process, nullptr, 0);
  return frame ? core::from_bytes<std::string>(*frame) : "the trial gave no answer";
}

const char* parts_of(SandboxRung rung) {
  switch (rung) {
    case SandboxRung::kA:
      return "bubblewrap namespaces, seccomp, rlimits, cgroup";
    case SandboxRung::kB:
      return "bubblewrap namespaces, seccomp, rlimits";
    case SandboxRung::kC:
      return "WEAK: seccomp, Landlock, rlimits; no namespaces";
    case SandboxRung::kNone:
      break;
  }
  return "no confinement";
}

}  // namespace

LadderReport climb_ladder(const SandboxConfig& config, const std::string& shim,
                          const CgroupBase& base, const std::string& folder) {
  std::string reasons;
  for (const SandboxRung rung : {SandboxRung::kA, SandboxRung::kB, SandboxRung::kC}) {
    if (config.rung != "auto" && config.rung != name_of(rung)) continue;
    std::string reason;
    if (rung == SandboxRung::kA && folder.empty()) {
      reason = base.missing;
    } else if (rung == SandboxRung::kC && !config.allow_weak) {
      reason = "needs sandbox.allow_weak: true";
    } else {
      reason = try_walls(rung, config, shim, base, folder);
    }
    if (reason.empty()) {
      std::string line = "rung " + std::string(name_of(rung)) + " (" + parts_of(rung);
      if (rung == SandboxRung::kA) line += " v" + std::to_string(base.version);
      line += ::geteuid() == 0 ? ", a uid for each slot)" : ", the user's own uid)";
      return {rung, line + reasons};
    }
    reasons += std::string("; not ") + name_of(rung) + ": " + reason;
  }
  return {SandboxRung::kNone, "no rung of confinement can be had" + reasons};
}

Descriptor become_slot_user(uint32_t first_uid) {
  if (::geteuid() != 0) return Descriptor();
  for (uint32_t uid = first_uid; uid < first_uid + 10000; ++uid) {
    // The kernel gives an abstract name to one socket and frees it with the process.
    Descriptor claim(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "srpo-sandbox-uid-" + std::to_string(uid);
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto size =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(claim.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
      continue;
    }
    ENSURE(::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
               ::setresuid(uid, uid, uid) == 0,
           "cannot become user " << uid << ": " << std::strerror(errno));
    // Else its own /proc/self/fd belongs to root.
    ::prctl(PR_SET_DUMPABLE, 1);
    return claim;
  }
  throw core::Error(core::ErrorKind::kBadConfig,
                    "sandbox: no free uid from " + std::to_string(first_uid) + " on");
}

}  // namespace srpo::verify
