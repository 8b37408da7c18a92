#include "verify/sandbox.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <optional>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "core/deadline.h"
#include "core/error.h"
#include "core/log.h"
#include "verify/sandbox_descriptor.h"
#include "verify/sandbox_ladder.h"
#include "verify/slot_launcher.h"
#include "verify/slot_process.h"

namespace srpo::verify {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostReplyBytes = 1ULL << 30;
constexpr double kSecondsOfGrace = 60;

fs::path launcher_path() {
  if (const char* given = std::getenv("SRPO_SANDBOX_LAUNCHER")) return given;
  fs::path beside =
      fs::canonical("/proc/self/exe").parent_path() / "srpo_sandbox_launcher";
  REQUIRE(fs::exists(beside), kBadConfig,
          "sandbox: no " << beside.string()
                         << " (it is built with the programs that use it; "
                            "SRPO_SANDBOX_LAUNCHER names another)");
  return beside;
}

/// Executes the launcher with `control` as its descriptor 3 and nothing else of ours but
/// the standard streams.
pid_t spawn_launcher(const fs::path& path, int control) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  // Through a number above it: duplicating a descriptor onto itself leaves it closed on
  // exec.
  const Descriptor high(::fcntl(control, F_DUPFD_CLOEXEC, 100));
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, high.get(), kLauncherControl);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kLauncherControl + 1);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::string name = path.string();
  char* arguments[] = {name.data(), nullptr};
  char* no_environment[] = {nullptr};
  pid_t process = -1;
  const int error = ::posix_spawn(&process, name.c_str(), &actions, &attributes,
                                  arguments, no_environment);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  REQUIRE(error == 0, kBadConfig,
          "sandbox: cannot execute " << name << ": " << std::strerror(error));
  return process;
}

/// The launcher as a child of this process. Thread-compatible.
class LauncherProcess {
 public:
  explicit LauncherProcess(const SandboxConfig& config) {
    auto [mine, theirs] = make_socket_pair();
    process_ = spawn_launcher(launcher_path(), theirs.get());
    theirs.reset();
    control_ = std::move(mine);
    std::optional<core::Bytes> report;
    if (send_frame(control_.get(), core::to_bytes(config), kSecondsToStart)) {
      report = receive_frame(control_.get(), 1 << 20, kSecondsToStart);
    }
    if (!report) end();
    REQUIRE(report, kBadConfig, "sandbox: the launcher ended before it was up");
    report_ = core::from_bytes<LadderReport>(*report);
  }
  ~LauncherProcess() { end(); }
  LauncherProcess(const LauncherProcess&) = delete;
  LauncherProcess& operator=(const LauncherProcess&) = delete;

  const LadderReport& report() const { return report_; }

  /// A new slot under this number, in the place of the one that had it; none when the
  /// launcher is gone.
  Descriptor open_slot(uint32_t slot, int& process) const {
    const LauncherOrder order{LauncherOrder::kOpen, slot};
    int32_t number = 0;
    if (!send_all(control_.get(), &order, sizeof order, kSecondsToStart) ||
        !receive_all(control_.get(), &number, sizeof number, kSecondsToStart)) {
      return Descriptor();
    }
    process = number;
    return receive_descriptor(control_.get(), kSecondsToStart);
  }

 private:
  /// Closing its control socket ends it; if it does not, we do.
  void end() {
    control_.reset();
    const core::Stopwatch watch;
    while (process_ > 0) {
      const pid_t ended = ::waitpid(process_, nullptr, WNOHANG);
      if (ended == process_ || (ended < 0 && errno == ECHILD)) process_ = -1;
      if (process_ > 0 && watch.seconds() > 10) ::kill(process_, SIGKILL);
      if (process_ > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  pid_t process_ = -1;
  Descriptor control_;
  LadderReport report_;
};

void check_program(const SandboxProgram& program) {
  REQUIRE(!program.command.empty(), kBadInput, "sandbox: a run without a command");
  for (const SandboxFile& file : program.files) {
    REQUIRE(!file.name.empty() && file.name.find('/') == std::string::npos &&
                file.name != "." && file.name != "..",
            kBadInput, "sandbox: '" << file.name << "' is no file name");
  }
}

void check_run(const SandboxRun& run) {
  check_program(run.program);
  if (run.tester) {
    check_program(*run.tester);
    REQUIRE(run.inputs.empty() && run.terminator.empty(), kBadInput,
            "sandbox: a run with a tester has no inputs of its own");
  } else {
    REQUIRE(
        run.terminator.empty() ? run.inputs.size() == 1 : !run.inputs.empty(), kBadInput,
        "sandbox: " << run.inputs.size() << " inputs (expected one, or a terminator)");
  }
  REQUIRE(run.limits.wall_s > 0, kBadInput,
          "sandbox: wall limit " << run.limits.wall_s << " s (expected > 0)");
}

double longest_run_s(const SandboxRun& run) {
  const auto num_inputs = static_cast<double>(std::max<size_t>(run.inputs.size(), 1));
  return std::min(run.limits.wall_s * num_inputs, run.limits.total_s) + kSecondsOfGrace;
}

}  // namespace

class Sandbox::Pool {
 public:
  explicit Pool(const SandboxConfig& config)
      : config_(config), launcher_(std::make_unique<LauncherProcess>(config)) {
    report_ = launcher_->report();
    REQUIRE(report_.rung != SandboxRung::kNone, kBadConfig,
            "sandbox: " << report_.description
                        << ". Programs are not run without confinement (sandbox.rung: "
                        << config.rung << ")");
    const uint32_t num_slots = config.slots > 0
                                   ? config.slots
                                   : std::max(1U, std::thread::hardware_concurrency());
    for (uint32_t i = 0; i < num_slots; ++i) {
      slots_.emplace_back();
      free_.push_back(i);
      REQUIRE(open(i), kBadConfig, "sandbox: slot " << i << " does not start");
    }
  }

  SandboxResult run(const SandboxRun& run) {
    check_run(run);
    const core::Bytes order = core::to_bytes(run);
    REQUIRE(order.size() <= kMostRunBytes, kBadInput,
            "sandbox: a run of " << order.size() << " bytes (expected at most "
                                 << kMostRunBytes << ")");
    SandboxResult result;
    result.error = "the sandbox was stopped";
    const std::optional<uint32_t> taken = take();
    if (!taken) return result;
    const uint32_t slot = *taken;
    const auto reply = exchange(slot, order, longest_run_s(run));
    if (reply) {
      result = core::from_bytes<SandboxResult>(*reply);
    } else {
      result.error = "the slot died during the run";
    }
    give_back(slot, reply.has_value());
    return result;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      for (const Slot& slot : slots_) {
        if (slot.process > 0) ::kill(slot.process, SIGKILL);
      }
    }
    freed_.notify_all();
  }

  const SandboxConfig& config() const { return config_; }
  const LadderReport& report() const { return report_; }

  std::vector<int> processes() const {
    const std::lock_guard lock(mutex_);
    std::vector<int> processes;
    for (const Slot& slot : slots_) processes.push_back(slot.process);
    return processes;
  }

 private:
  struct Slot {
    Descriptor socket;
    int process = -1;
  };

  /// Nothing: the sandbox was stopped.
  std::optional<uint32_t> take() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return stopped_ || !free_.empty(); });
    if (stopped_) return std::nullopt;
    // The one used last: its sandbox waits, and it is warm.
    const uint32_t slot = free_.back();
    free_.pop_back();
    if (!slots_[slot].socket) open(slot);
    return slot;
  }

  std::optional<core::Bytes> exchange(uint32_t slot, const core::Bytes& order,
                                      double timeout_s) {
    const int socket = slots_[slot].socket.get();  // of the one thread that has the slot
    if (socket < 0 || !send_frame(socket, order, kSecondsOfGrace)) return std::nullopt;
    return receive_frame(socket, kMostReplyBytes, timeout_s);
  }

  void give_back(uint32_t slot, bool is_whole) {
    {
      const std::lock_guard lock(mutex_);
      if (!is_whole && !stopped_) {
        slots_[slot].socket.reset();
        LOG(warn) << "sandbox: slot " << slot << " died; it is started anew";
        open(slot);
      }
      free_.push_back(slot);
    }
    freed_.notify_one();
  }

  /// The mutex is held (or nobody else is there). A launcher that is gone is replaced.
  bool open(uint32_t slot) {
    slots_[slot].socket = launcher_->open_slot(slot, slots_[slot].process);
    if (slots_[slot].socket) return true;
    try {
      launcher_ = std::make_unique<LauncherProcess>(config_);
      slots_[slot].socket = launcher_->open_slot(slot, slots_[slot].process);
    } catch (const core::Error& error) {
      LOG(error) << error.what();
    }
    return static_cast<bool>(slots_[slot].socket);
  }

  const SandboxConfig config_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::unique_ptr<LauncherProcess> launcher_;
  LadderReport report_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  bool stopped_ = false;
};

Sandbox::Sandbox(const SandboxConfig& config) : pool_(std::make_unique<Pool>(config)) {}
Sandbox::~Sandbox() = default;

SandboxResult Sandbox::run(const SandboxRun& run) { return pool_->run(run); }
void Sandbox::stop() { pool_->stop(); }
SandboxRung Sandbox::rung() const { return pool_->report().rung; }
std::string Sandbox::description() const { return pool_->report().description; }
const SandboxConfig& Sandbox::config() const { return pool_->config(); }
std::vector<int> Sandbox::slot_processes() const { return pool_->processes(); }

namespace {

struct SharedSandbox {
  std::mutex mutex;
  SandboxConfig config;
  std::unique_ptr<Sandbox> sandbox;
};

SharedSandbox& shared_sandbox() {
  static SharedSandbox shared;
  return shared;
}

}  // namespace

Sandbox& Sandbox::shared() {
  SharedSandbox& shared = shared_sandbox();
  const std::lock_guard lock(shared.mutex);
  if (!shared.sandbox) shared.sandbox = std::make_unique<Sandbox>(shared.config);
  return *shared.sandbox;
}

void configure_sandbox(const SandboxConfig& config) {
  SharedSandbox& shared = shared_sandbox();
  const std::lock_guard lock(shared.mutex);
  REQUIRE(!shared.sandbox, kBadConfig, "sandbox: configured after its first use");
  shared.config = config;
}

}  // namespace srpo::verify
