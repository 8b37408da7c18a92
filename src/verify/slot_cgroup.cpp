#include "verify/slot_cgroup.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <sstream>
#include <unistd.h>

#include "core/error.h"

namespace srpo::verify {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool write_text(const fs::path& path, const std::string& text) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) ==
                     static_cast<ssize_t>(text.size());
}

bool has_word(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  for (std::string each; words >> each;) {
    if (each == word) return true;
  }
  return false;
}

/// The path in a line `4:memory:/a/b` (v1) or `0::/a/b` (v2, controller "").
fs::path own_path(const fs::path& own, const std::string& controller) {
  std::istringstream lines(read_text(own));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string names = line.substr(first + 1, second - first - 1);
    std::replace(names.begin(), names.end(), ',', ' ');
    if (controller.empty() ? names.empty() : has_word(names, controller)) {
      return line.substr(second + 2);
    }
  }
  return {};
}

/// The process's own folder under a mount; the mount itself where a container shows no
/// more.
fs::path folder_below(const fs::path& mount, const fs::path& relative) {
  const fs::path folder = relative.empty() ? mount : mount / relative;
  return fs::exists(folder) ? folder : mount;
}

bool offers_version_2(const fs::path& folder) {
  const std::string controllers = read_text(folder / "cgroup.controllers");
  if (!has_word(controllers, "memory") || !has_word(controllers, "pids")) return false;
  const fs::path subtree = folder / "cgroup.subtree_control";
  if (has_word(controllers, "cpu")) write_text(subtree, "+cpu");
  write_text(subtree, "+memory");
  write_text(subtree, "+pids");
  const std::string enabled = read_text(subtree);
  return has_word(enabled, "memory") && has_word(enabled, "pids") &&
         ::access(folder.c_str(), W_OK) == 0;
}

std::vector<fs::path> parts_of(const CgroupBase& base, const std::string& name) {
  std::vector<fs::path> parts;
  for (const fs::path& folder : base.folders) parts.push_back(folder / name);
  return parts;
}

/// A launcher that was killed while a sandbox of its own was half up has left its first
/// process waiting for ever.
void kill_members(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::ifstream members(entry.path() / "cgroup.procs");
    for (pid_t member = 0; members >> member;) {
      if (member > 1) ::kill(member, SIGKILL);
    }
  }
  ::usleep(20000);
}

void write_number(const Descriptor& file, uint64_t number) {
  if (!file) return;
  const std::string text = std::to_string(number);
  // A limit below what is in use is refused; the run's rlimits still hold.
  const ssize_t written = ::pwrite(file.get(), text.data(), text.size(), 0);
  static_cast<void>(written);
}

}  // namespace

CgroupBase find_cgroup_base(const fs::path& configured, const fs::path& mount,
                            const fs::path& own) {
  CgroupBase base;
  const std::vector<fs::path> unified =
      configured.empty()
          ? std::vector<fs::path>{folder_below(mount, own_path(own, "")),
                                  folder_below(mount / "unified", own_path(own, ""))}
          : std::vector<fs::path>{configured};
  for (const fs::path& folder : unified) {
    if (offers_version_2(folder)) return {2, {folder}, false, ""};
  }
  if (!configured.empty()) {
    base.missing = "cgroup " + configured.string() +
                   " does not let memory and pids be limited below it";
    return base;
  }
  for (const char* controller : {"memory", "pids", "cpu"}) {
    const fs::path folder = folder_below(mount / controller, own_path(own, controller));
    if (::access((folder / "cgroup.procs").c_str(), W_OK) == 0) {
      base.folders.push_back(folder);
      base.has_cpu = std::strcmp(controller, "cpu") == 0;
    } else if (std::strcmp(controller, "cpu") != 0) {
      base.folders.clear();
      base.missing =
          "no delegated cgroup (neither v2 with memory and pids nor a writable "
          "v1 " +
          std::string(controller) + " hierarchy)";
      return base;
    }
  }
  base.version = 1;
  return base;
}

bool make_cgroup(const CgroupBase& base, const std::string& name, std::string& reason) {
  for (const fs::path& folder : parts_of(base, name)) {
    std::error_code error;
    fs::create_directory(folder, error);
    if (error) {
      reason = "cannot make cgroup " + folder.string() + ": " + error.message();
      return false;
    }
    if (base.version == 2) {
      for (const char* controller : {"+cpu", "+memory", "+pids"}) {
        write_text(folder / "cgroup.subtree_control", controller);
      }
    }
  }
  return true;
}

void remove_cgroup(const CgroupBase& base, const std::string& name) {
  for (const fs::path& folder : parts_of(base, name)) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      if (entry.is_directory(error)) ::rmdir(entry.path().c_str());
    }
    ::rmdir(folder.c_str());
  }
}

void remove_stale_cgroups(const CgroupBase& base, const std::string& prefix) {
  for (const fs::path& folder : base.folders) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(prefix, 0) != 0) continue;
      const pid_t pid = std::atoi(name.c_str() + prefix.size());
      if (pid <= 0 || ::kill(pid, 0) == 0 || errno != ESRCH) continue;
      kill_members(entry.path());
      remove_cgroup(base, name);
    }
  }
}

SlotCgroup::SlotCgroup(const CgroupBase& base, const std::string& name) {
  const auto open_file = [](const fs::path& path, int flags) {
    Descriptor file(::open(path.c_str(), flags | O_CLOEXEC));
    REQUIRE(file, kBadConfig,
            "sandbox: cannot open " << path.string() << ": " << std::strerror(errno));
    return file;
  };
  const std::vector<fs::path> parts = parts_of(base, name);
  for (const fs::path& part : parts) {
    members_.push_back(open_file(part / "cgroup.procs", O_WRONLY));
  }
  if (base.version == 2) {
    memory_limit_ = open_file(parts[0] / "memory.max", O_WRONLY);
    process_limit_ = open_file(parts[0] / "pids.max", O_WRONLY);
    memory_events_ = open_file(parts[0] / "memory.events", O_RDONLY);
    write_text(parts[0] / "memory.swap.max", "0");
    write_text(parts[0] / "cpu.max", "100000 100000");
  } else {
    memory_limit_ = open_file(parts[0] / "memory.limit_in_bytes", O_WRONLY);
    process_limit_ = open_file(parts[1] / "pids.max", O_WRONLY);
    memory_events_ = open_file(parts[0] / "memory.oom_control", O_RDONLY);
    if (base.has_cpu) write_text(parts[2] / "cpu.cfs_quota_us", "100000");
  }
}

bool SlotCgroup::enter() const {
  for (const Descriptor& members : members_) {
    if (::write(members.get(), "0", 1) != 1) return false;
  }
  return true;
}

void SlotCgroup::set_limits(uint64_t memory_bytes, uint64_t processes) {
  if (memory_bytes != memory_bytes_) write_number(memory_limit_, memory_bytes);
  if (processes != processes_) write_number(process_limit_, processes);
  memory_bytes_ = memory_bytes;
  processes_ = processes;
}

uint64_t SlotCgroup::num_memory_kills() const {
  if (!memory_events_) return 0;
  char text[512] = {};
  if (::pread(memory_events_.get(), text, sizeof text - 1, 0) <= 0) return 0;
  const char* at = std::strstr(text, "oom_kill ");
  return at == nullptr ? 0 : std::strtoull(at + std::strlen("oom_kill "), nullptr, 10);
}

}  // namespace srpo::verify
