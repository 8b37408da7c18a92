#include "storage/folder_lock.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/error.h"
#include "core/files.h"

namespace srpo::storage {
namespace {

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

FolderLock::FolderLock(const std::filesystem::path& folder)
    : file_(folder / ".lock", O_RDWR | O_CREAT) {
  if (::flock(file_.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) core::throw_file_error("cannot lock", file_.path(), errno);
    throw core::Error(core::ErrorKind::kBadInput, folder.string() + " is in use by " +
                                                      holder(file_) +
                                                      " (expected no other writer)");
  }
  file_.cut(0);
  const std::string name = this_process() + "\n";
  file_.write_all(std::as_bytes(std::span(name)));
}

}  // namespace srpo::storage
