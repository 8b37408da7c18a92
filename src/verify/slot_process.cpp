#include "verify/slot_process.h"

#include <cerrno>
#include <cstring>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "core/error.h"
#include "verify/slot_confinement.h"
#include "verify/slot_run.h"

namespace srpo::verify {
namespace {

constexpr double kSecondsToComeUp = 20;

std::string scratch_folder(pid_t slot) {
  return "/tmp/srpo-sandbox-" + std::to_string(slot);
}

void execute_and_wait(const std::vector<const char*>& words) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const char* word : words) arguments.push_back(const_cast<char*>(word));
  arguments.push_back(nullptr);
  const pid_t process = ::fork();
  if (process == 0) {
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::waitpid(process, nullptr, 0);
}

/// A folder of the slot's own for rung C.
class Scratch {
 public:
  explicit Scratch(bool wanted) {
    if (!wanted) return;
    folder_ = scratch_folder(::getpid());
    make();
  }
  ~Scratch() {
    if (!folder_.empty()) remove_scratch(::getpid());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::string& folder() const { return folder_; }

  /// As before the first run.
  void clear() const {
    if (folder_.empty()) return;
    remove_scratch(::getpid());
    make();
  }

 private:
  void make() const {
    ENSURE(::mkdir(folder_.c_str(), 0700) == 0,
           "mkdir " << folder_ << ": " << std::strerror(errno));
  }

  std::string folder_;
};

class Slot {
 public:
  Slot(const SlotPlan& plan, Descriptor socket)
      : socket_(std::move(socket)), walls_(plan.rung, plan.config, plan.shim) {
    if (plan.rung == SandboxRung::kA) {
      walls_.set_cgroup(SlotCgroup(plan.base, plan.cgroup_name));
      walls_.enter_cgroup();
    }
    user_ = become_slot_user(plan.config.first_uid);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a change of user has cleared it
    scratch_ = std::make_unique<Scratch>(plan.rung == SandboxRung::kC);
    walls_.set_scratch(scratch_->folder());
  }

  void serve() {
    while (true) {
      prepare(num_prepared_);
      const auto frame = receive_frame(socket_.get(), kMostRunBytes);
      if (!frame) break;
      const auto run = core::from_bytes<SandboxRun>(*frame);
      if (!send_frame(socket_.get(), core::to_bytes(execute(run)))) break;
      end_all_children();
      scratch_->clear();
    }
    end_all_children();
    scratch_.reset();
  }

 private:
  void prepare(size_t count) {
    while (waiting_.size() < count) waiting_.push_back(walls_.start());
  }

  SandboxResult execute(const SandboxRun& run) {
    num_prepared_ = run.tester ? 2 : 1;
    prepare(num_prepared_);
    std::vector<ConfinedShim> shims = std::exchange(waiting_, {});
    shims.resize(num_prepared_);  // of more, the rest is ended with the run
    SandboxResult result;
    for (ConfinedShim& shim : shims) {
      result.error = SlotConfinement::wait_ready(shim, kSecondsToComeUp);
      if (result.error.empty()) continue;
      end_all_children();
      return result;
    }
    return execute_run(run, std::move(shims), walls_, socket_.get());
  }

  Descriptor socket_;
  SlotConfinement walls_;
  Descriptor user_;
  std::unique_ptr<Scratch> scratch_;
  std::vector<ConfinedShim> waiting_;
  size_t num_prepared_ = 1;
};

}  // namespace

void remove_scratch(pid_t slot) {
  const std::string folder = scratch_folder(slot);
  if (::access(folder.c_str(), F_OK) != 0) return;
  // They walk a tree of any depth and follow no links.
  execute_and_wait({"/bin/chmod", "-R", "u+rwX", folder.c_str()});
  execute_and_wait({"/bin/rm", "-rf", "--one-file-system", folder.c_str()});
}

void serve_slot(const SlotPlan& plan, Descriptor socket) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::signal(SIGPIPE, SIG_IGN);
  try {
    Slot slot(plan, std::move(socket));
    slot.serve();
  } catch (const core::Error& error) {
    const std::string line = std::string("sandbox slot: ") + error.what() + "\n";
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    ::_exit(written < 0 ? 71 : 70);
  }
  ::_exit(0);
}

}  // namespace srpo::verify
