#include "storage/folder_lock.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <thread>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"

namespace srpo::storage {
namespace {

constexpr std::chrono::milliseconds kPause(5);

std::string this_process() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return "process " + std::to_string(::getpid()) + " on host " + host.data();
}

std::string holder(const FileHandle& file) {
  std::array<std::byte, 512> text{};
  const size_t n = file.read_at(text, 0);
  std::string line(reinterpret_cast<const char*>(text.data()), n);
  line.resize(std::min(line.find('\n'), line.size()));
  return line.empty() ? "a process that has not said its name" : line;
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, const std::string& name,
                       std::chrono::milliseconds patience)
    : file_(folder / name, O_RDWR | O_CREAT) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (::flock(file_.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) core::throw_file_error("cannot lock", file_.path(), errno);
    if (std::chrono::steady_clock::now() >= deadline) {
      throw core::Error(core::ErrorKind::kBadInput, folder.string() + " is in use by " +
                                                        holder(file_) +
                                                        " (expected no other writer)");
    }
    std::this_thread::sleep_for(kPause);
  }
  const std::string text = this_process() + "\n";
  try {
    file_.cut(0);
    file_.write_all(std::as_bytes(std::span(text)));
  } catch (const core::Error&) {
    // The lock is held all the same; on a full disk others will not read by whom.
  }
}

}  // namespace srpo::storage
