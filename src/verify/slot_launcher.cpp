// srpo_sandbox_launcher: the parent of all slots of one process. Started by class Sandbox
// with its control socket as descriptor 3; of no use by hand.
#include "verify/slot_launcher.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/deadline.h"
#include "core/error.h"
#include "core/files.h"
#include "verify/sandbox_ladder.h"
#include "verify/slot_process.h"

namespace srpo::verify {
namespace {

constexpr double kSecondsToLeave = 2;
constexpr char kCgroupPrefix[] = "srpo-sandbox-";

class Launcher {
 public:
  explicit Launcher(Descriptor control) : control_(std::move(control)) {}

  /// Until the control socket closes.
  void serve() {
    const auto frame = receive_frame(control_.get(), 1 << 20, kSecondsToStart);
    if (!frame) return;
    plan_.config = core::from_bytes<SandboxConfig>(*frame);
    plan_.shim = core::read_file(
        std::filesystem::canonical("/proc/self/exe").parent_path() / "srpo_sandbox_shim");
    plan_.base = find_cgroup_base(plan_.config.cgroup);
    make_own_cgroup();
    const LadderReport report =
        climb_ladder(plan_.config, plan_.shim, plan_.base,
                     own_cgroup_.empty() ? "" : make_slot_cgroup("trial"));
    plan_.rung = report.rung;
    if (send_frame(control_.get(), core::to_bytes(report)) &&
        report.rung != SandboxRung::kNone) {
      while (serve_order()) {
      }
    }
    for (const auto& [slot, process] : processes_) {
      wait_for_end(process, kSecondsToLeave);
      end_process(process);
    }
    if (!own_cgroup_.empty()) remove_cgroup(plan_.base, own_cgroup_);
  }

 private:
  void make_own_cgroup() {
    if (plan_.base.version == 0) return;
    remove_stale_cgroups(plan_.base, kCgroupPrefix);
    const std::string name = kCgroupPrefix + std::to_string(::getpid());
    if (make_cgroup(plan_.base, name, plan_.base.missing)) own_cgroup_ = name;
  }

  /// "" when it cannot be made; the ladder then says why.
  std::string make_slot_cgroup(const std::string& slot) {
    std::string name = own_cgroup_ + "/" + slot;
    return make_cgroup(plan_.base, name, plan_.base.missing) ? name : "";
  }

  bool serve_order() {
    LauncherOrder order;
    if (!receive_all(control_.get(), &order, sizeof order)) return false;
    const auto known = processes_.find(order.slot);
    if (known != processes_.end()) {
      end_process(known->second);
      processes_.erase(known);
    }
    if (order.kind == LauncherOrder::kEnd) return true;
    return open_slot(order.slot);
  }

  bool open_slot(uint32_t slot) {
    if (plan_.rung == SandboxRung::kA) {
      plan_.cgroup_name = make_slot_cgroup("slot-" + std::to_string(slot));
    }
    auto [mine, theirs] = make_socket_pair();
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    ENSURE(process >= 0, "fork failed");
    if (process == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) ::_exit(0);
      mine.reset();
      control_.reset();
      serve_slot(plan_, std::move(theirs));
    }
    processes_[slot] = process;
    const int32_t number = process;
    return send_all(control_.get(), &number, sizeof number) &&
           send_descriptor(control_.get(), mine.get());
  }

  /// A slot ends by itself when its socket is closed.
  static void wait_for_end(pid_t process, double seconds) {
    const core::Stopwatch watch;
    siginfo_t info{};
    while (watch.seconds() < seconds &&
           ::waitid(P_PID, static_cast<id_t>(process), &info,
                    WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0) {
      ::usleep(500);
    }
  }

  /// Its sandboxes die with it.
  static void end_process(pid_t process) {
    ::kill(process, SIGKILL);
    while (::waitpid(process, nullptr, 0) < 0 && errno == EINTR) {
    }
    // What the slot leaves is ours (subreaper): its walls die with it, and are reaped.
    end_orphans();
    remove_scratch(process);
  }

  static void end_orphans() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }

  Descriptor control_;
  SlotPlan plan_;
  std::string own_cgroup_;
  std::map<uint32_t, pid_t> processes_;
};

}  // namespace
}  // namespace srpo::verify

int main() {
  using srpo::verify::Descriptor;
  using srpo::verify::Launcher;
  struct stat status {};
  if (::fstat(srpo::verify::kLauncherControl, &status) != 0 ||
      !S_ISSOCK(status.st_mode)) {
    std::fputs("srpo_sandbox_launcher: started by other programs, not by hand\n", stderr);
    return 64;
  }
  ::signal(SIGPIPE, SIG_IGN);
  // A terminal's Ctrl-C is for the program that asked for runs; it tells us by closing.
  ::signal(SIGINT, SIG_IGN);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  try {
    Launcher(Descriptor(srpo::verify::kLauncherControl)).serve();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "srpo_sandbox_launcher: %s\n", error.what());
    return 70;
  }
  return 0;
}
