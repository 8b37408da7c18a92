#include "comm/launcher.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "comm/launch_report.h"
#include "comm/stale_files.h"
#include "core/config_table.h"
#include "core/deadline.h"
#include "core/error.h"
#include "core/files.h"

namespace srpo::comm {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace std::string_literals;

constexpr int kStoppedEarly = 75;

/// Standard output and error of a short command; nothing if it cannot be run.
std::optional<std::string> output_of(const std::vector<std::string>& command) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return std::nullopt;
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::dup2(pipe[1], STDERR_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : command)
      arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  std::string text;
  std::array<char, 4096> block{};
  for (ssize_t size = 0;
       child > 0 && (size = ::read(pipe[0], block.data(), block.size())) > 0;)
    text.append(block.data(), static_cast<size_t>(size));
  ::close(pipe[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return std::nullopt;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return std::nullopt;
  return text;
}

sigset_t passed_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD})
    sigaddset(&signals, signal);
  return signals;
}

/// Under recovery mpirun waits for ever for ranks that it cannot start.
void check_program(const std::string& program) {
  const auto is_program = [](const fs::path& path) {
    return ::access(path.c_str(), X_OK) == 0 && fs::is_regular_file(path);
  };
  bool found = program.find('/') != std::string::npos && is_program(program);
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; !found && std::getline(folders, folder, ':');)
    found =
        program.find('/') == std::string::npos && is_program(fs::path(folder) / program);
  REQUIRE(found, kBadInput, "there is no program '" << program << "'");
}

pid_t start(const LaunchPlan& plan) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  const sigset_t signals = passed_signals();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(kStoppedEarly);
  for (const auto& [name, value] : plan.environment)
    ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> arguments;
  for (const std::string& word : plan.command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  std::fprintf(stderr, "srpo_run: cannot start %s: %s\n", arguments[0],
               std::strerror(errno));
  ::_exit(127);
}

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Processes of this user that carry the mark in their environment.
std::vector<pid_t> marked_processes(const std::string& mark) {
  std::vector<pid_t> found;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end;
       at.increment(error)) {
    const int pid = std::atoi(at->path().filename().c_str());
    if (pid <= 0 || pid == ::getpid()) continue;
    std::ifstream file(at->path() / "environ", std::ios::binary);
    const std::string environment((std::istreambuf_iterator<char>(file)), {});
    if (("\0"s + environment).find("\0"s + mark + "\0"s) != std::string::npos)
      found.push_back(pid);
  }
  return found;
}

/// mpirun waits for every rank: one that is stopped, or stuck, would keep it for ever
/// when rank 0 has said how the job has ended.
class LateRanks {
 public:
  LateRanks(fs::path report, std::chrono::seconds leave_within)
      : report_(std::move(report)), leave_within_(leave_within) {}

  /// To be called every second or so; ends the ranks when it is time.
  void look(pid_t mpirun) {
    if (!deadline_) {
      if (!read_launch_report(report_).exit_code) return;
      deadline_ = core::Deadline::in(leave_within_);
    }
    if (!deadline_->has_passed()) return;
    for (const pid_t pid :
         marked_processes(std::string(kLaunchReportVariable) + "=" + report_.string())) {
      if (pid == mpirun) continue;
      std::fprintf(stderr, "srpo_run: process %d outlives the job: killed\n",
                   static_cast<int>(pid));
      ::kill(pid, SIGKILL);
    }
  }

 private:
  fs::path report_;
  std::chrono::seconds leave_within_;
  std::optional<core::Deadline> deadline_;
};

/// Waits for mpirun and passes signals on; its code.
int wait_for(pid_t mpirun, bool& was_told, LateRanks late) {
  const sigset_t signals = passed_signals();
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended == mpirun) return code_of(status);
    if (ended > 0) continue;
    late.look(mpirun);
    siginfo_t info{};
    const timespec longest{1, 0};
    const int signal = ::sigtimedwait(&signals, &info, &longest);
    if (signal <= 0 || signal == SIGCHLD) continue;
    was_told = true;
    // A terminal sends its interrupt to mpirun by itself.
    if (info.si_code != SI_KERNEL) ::kill(mpirun, signal);
  }
}

/// Ranks that outlive mpirun get some time, then the signal that cannot be refused.
void end_leftovers(const std::string& mark, std::chrono::seconds leave_within) {
  const auto polite = core::Deadline::in(leave_within);
  const auto last = core::Deadline::in(leave_within + 5s);
  bool said = false;
  while (!last.has_passed()) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    const auto left = marked_processes(mark);
    if (left.empty()) return;
    if (polite.has_passed()) {
      if (!std::exchange(said, true))
        std::fprintf(stderr, "srpo_run: %zu ranks outlive mpirun: killed\n", left.size());
      for (const pid_t pid : left) ::kill(pid, SIGKILL);
    }
    std::this_thread::sleep_for(50ms);
  }
}

/// A file that every rank has in its environment; removed at the end.
class ReportFile {
 public:
  ReportFile() {
    std::string name = (fs::temp_directory_path() / "srpo_launch.XXXXXX").string();
    const int file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file < 0) core::throw_file_error("cannot create", name, errno);
    ::close(file);
    path_ = name;
  }
  ~ReportFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// Content and time of a status file, to see whether a start has touched it.
std::string print_of(const fs::path& path) {
  struct stat info {};
  if (path.empty() || ::stat(path.c_str(), &info) != 0) return "";
  return std::to_string(info.st_ino) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

std::optional<std::string> read_state(const fs::path& path) {
  try {
    return core::ConfigTable::parse(core::read_file(path), path.string())
        .text("state", std::nullopt);
  } catch (const core::Error&) {
    return std::nullopt;
  }
}

int launch_once(LaunchPlan plan, const LaunchOptions& options, bool& was_told) {
  remove_stale_files();
  const ReportFile report_file;
  plan.environment[kLaunchReportVariable] = report_file.path();
  const std::string before = print_of(options.status_file);
  const pid_t mpirun = start(plan);
  REQUIRE(mpirun > 0, kBadInput, "cannot start mpirun: " << std::strerror(errno));
  LaunchEnd end;
  end.mpirun_code = wait_for(mpirun, was_told,
                             LateRanks(report_file.path(), options.leave_within + 4s));
  end_leftovers(std::string(kLaunchReportVariable) + "=" + report_file.path().string(),
                options.leave_within);
  remove_stale_files();
  const LaunchReport report = read_launch_report(report_file.path());
  end.has_begun = report.has_begun;
  end.reported_code = report.exit_code;
  if (!report.status_file.empty()) {
    end.state = read_state(report.status_file);
  } else if (print_of(options.status_file) != before) {
    end.state = read_state(options.status_file);
  }
  return job_exit_code(end);
}

}  // namespace

MpiFlavor find_mpi_flavor(const std::string& mpirun) {
  const auto version = output_of({mpirun, "--version"});
  REQUIRE(version.has_value(), kBadInput,
          "there is no program '" << mpirun << "' (expected an mpirun in PATH, or its "
                                  << "path after --mpirun)");
  const size_t slash = mpirun.rfind('/');
  const std::string folder =
      slash == std::string::npos ? "" : mpirun.substr(0, slash + 1);
  const auto info = output_of({folder + "ompi_info", "--parsable"});
  return parse_mpi_flavor(*version, info.value_or(""));
}

int launch(const LaunchPlan& plan, const LaunchOptions& options) {
  check_program(plan.program);
  const sigset_t signals = passed_signals();
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  bool was_told = false;
  for (int start = 0;; ++start) {
    const int code = launch_once(plan, options, was_told);
    if (code != kStoppedEarly || was_told || start >= options.restarts) return code;
    std::fprintf(stderr, "srpo_run: the job stopped early; start %d of %d more\n",
                 start + 1, options.restarts);
  }
}

}  // namespace srpo::comm
