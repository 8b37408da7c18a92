#include "verify/slot_confinement.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/deadline.h"
#include "core/error.h"
#include "verify/sandbox_shim.h"
#include "verify/seccomp_filter.h"
#include "verify/slot_landlock.h"

namespace srpo::verify {
namespace {

// Descriptors of bwrap itself, above the three streams and the shim's orders.
constexpr int kShimFile = 10;
constexpr int kFilterFile = 11;
constexpr char kShimPath[] = "/run/shim";
constexpr char kSystemFolders[] = "/usr:/bin:/sbin:/lib:/lib64:/lib32";

std::vector<std::string> split_paths(const std::string& text) {
  std::vector<std::string> paths;
  std::istringstream pieces(text);
  for (std::string piece; std::getline(pieces, piece, ':');) {
    if (!piece.empty()) paths.push_back(piece);
  }
  return paths;
}

/// /bin and its kin: the link of a merged system, or the folder of an older one.
void show_system_folder(std::vector<std::string>& arguments, const std::string& path) {
  char target[256];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  if (length > 0) {
    arguments.insert(
        arguments.end(),
        {"--symlink", std::string(target, static_cast<size_t>(length)), path});
  } else if (::access(path.c_str(), F_OK) == 0) {
    arguments.insert(arguments.end(), {"--ro-bind", path, path});
  }
}

std::vector<std::string> bwrap_arguments(const SandboxConfig& config) {
  const std::string scratch = std::to_string(uint64_t{config.scratch_mb} << 20);
  std::vector<std::string> arguments = {"bwrap",
                                        "--unshare-user",
                                        "--unshare-pid",
                                        "--unshare-net",
                                        "--unshare-ipc",
                                        "--unshare-uts",
                                        "--unshare-cgroup-try",
                                        "--disable-userns",
                                        "--die-with-parent",
                                        "--new-session",
                                        "--clearenv",
                                        "--cap-drop",
                                        "ALL",
                                        "--hostname",
                                        "sandbox"};
  for (const std::string& path : split_paths(kSystemFolders)) {
    show_system_folder(arguments, path);
  }
  for (const char* path : {"/etc/alternatives", "/etc/ld.so.cache"}) {
    arguments.insert(arguments.end(), {"--ro-bind-try", path, path});
  }
  for (const std::string& path : split_paths(config.read_only)) {
    arguments.insert(arguments.end(), {"--ro-bind", path, path});
  }
  // Everything but /tmp is closed to writing: a tmpfs without a size is a hole in memory.
  const std::vector<std::string> rest = {"--perms",
                                         "0555",
                                         "--ro-bind-data",
                                         std::to_string(kShimFile),
                                         kShimPath,
                                         "--proc",
                                         "/proc",
                                         "--dev",
                                         "/dev",
                                         "--size",
                                         "1048576",
                                         "--tmpfs",
                                         "/dev/shm",
                                         "--remount-ro",
                                         "/dev",
                                         "--size",
                                         scratch,
                                         "--tmpfs",
                                         "/tmp",
                                         "--remount-ro",
                                         "/",
                                         "--chdir",
                                         "/tmp",
                                         "--uid",
                                         "65534",
                                         "--gid",
                                         "65534",
                                         "--seccomp",
                                         std::to_string(kFilterFile),
                                         "--",
                                         kShimPath};
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  return arguments;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

[[noreturn]] void give_up(const char* what) {
  const std::string line = std::string(what) + ": " + std::strerror(errno);
  const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(written < 0 ? 124 : 125);
}

/// A description of its own: reading it moves nobody else's place in the file.
int reopen(const Descriptor& file) {
  return ::open(("/proc/self/fd/" + std::to_string(file.get())).c_str(),
                O_RDONLY | O_CLOEXEC);
}

/// Which process the kernel kills first for want of memory. Refused where it is not ours
/// to say, and then the kernel's own order holds.
void set_kill_preference(const char* value) {
  const Descriptor file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (!file) return;
  const ssize_t written = ::write(file.get(), value, std::strlen(value));
  static_cast<void>(written);
}

void reset_signals() {
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

SlotConfinement::SlotConfinement(SandboxRung rung, const SandboxConfig& config,
                                 const std::string& shim)
    : rung_(rung), shim_(make_memory_file("shim", shim.data(), shim.size())) {
  if (rung == SandboxRung::kC) {
    read_only_ = split_paths(std::string(kSystemFolders) +
                             ":/etc/alternatives:/etc/ld.so.cache:" + config.read_only);
    return;
  }
  const auto program = seccomp_program(SeccompProfile::kNamespaced);
  filter_ =
      make_memory_file("filter", program.data(), program.size() * sizeof(sock_filter));
  arguments_ = bwrap_arguments(config);
}

void SlotConfinement::enter_cgroup() const {
  REQUIRE(cgroup_.enter(), kBadConfig,
          "sandbox: cannot enter the slot's cgroup: " << std::strerror(errno));
  set_kill_preference("-900");
}

ConfinedShim SlotConfinement::start() {
  auto [mine, orders] = make_socket_pair();
  auto [error, error_end] = make_pipe();
  set_nonblocking(error.get());
  ConfinedShim shim;
  const pid_t parent = ::getpid();
  shim.process = ::fork();
  ENSURE(shim.process >= 0, "fork: " << std::strerror(errno));
  if (shim.process == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(125);
    become_shim(orders.get(), error_end.get());
  }
  shim.watch = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, shim.process, 0)));
  ENSURE(shim.watch, "pidfd_open: " << std::strerror(errno));
  shim.orders = std::move(mine);
  shim.error = std::move(error);
  return shim;
}

void SlotConfinement::become_shim(int orders, int error) const {
  reset_signals();
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (::dup2(error, STDERR_FILENO) < 0) ::_exit(125);
  set_kill_preference("500");
  const int shim = reopen(shim_);
  const int filter = filter_ ? reopen(filter_) : -1;
  if (shim < 0 || (filter_ && filter < 0)) give_up("cannot open the shim again");
  // Out of the way of the numbers that they are to have.
  const int high_orders = ::fcntl(orders, F_DUPFD, 20);
  const int high_shim = ::fcntl(shim, F_DUPFD, 20);
  const int high_filter = filter < 0 ? -1 : ::fcntl(filter, F_DUPFD, 20);
  ::dup2(null, STDIN_FILENO);
  ::dup2(null, STDOUT_FILENO);
  ::dup2(high_orders, kShimOrders);
  ::dup2(high_shim, kShimFile);
  if (high_filter >= 0) ::dup2(high_filter, kFilterFile);
  ::syscall(SYS_close_range, kShimOrders + 1, kShimFile - 1, 0);
  ::syscall(SYS_close_range, kFilterFile + 1, ~0U, 0);
  if (rung_ == SandboxRung::kC) become_bare_shim();
  char* const no_environment[] = {nullptr};
  ::execve("/usr/bin/bwrap", pointers(arguments_).data(), no_environment);
  give_up("cannot execute /usr/bin/bwrap");
}

void SlotConfinement::become_bare_shim() const {
  ::setsid();
  if (::chdir(scratch_.c_str()) != 0) give_up("cannot enter the scratch folder");
  if (!enter_landlock(read_only_, scratch_)) give_up("Landlock");
  ::fcntl(kShimFile, F_SETFD, FD_CLOEXEC);
  if (!enter_bare_seccomp()) give_up("seccomp");
  char name[] = "shim";
  char* const arguments[] = {name, nullptr};
  char* const no_environment[] = {nullptr};
  ::syscall(SYS_execveat, kShimFile, "", arguments, no_environment, AT_EMPTY_PATH);
  give_up("cannot execute the shim");
}

std::string SlotConfinement::wait_ready(ConfinedShim& shim, double timeout_s) {
  char byte = 0;
  if (receive_all(shim.orders.get(), &byte, 1, timeout_s) && byte == kShimReady)
    return "";
  char text[1024];
  const ssize_t size = ::read(shim.error.get(), text, sizeof text);
  const std::string said(text, size > 0 ? static_cast<size_t>(size) : 0);
  return "the sandbox did not come up: " +
         (said.empty() ? "no reason given" : said.substr(0, said.find('\n')));
}

}  // namespace srpo::verify
