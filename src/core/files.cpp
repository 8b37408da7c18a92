#include "core/files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "core/error.h"

namespace srpo::core {
namespace {

/// Closes on every way out.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value) : value_(value) {}
  ~FileDescriptor() {
    if (value_ >= 0) ::close(value_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

}  // namespace

void throw_file_error(const std::string& action, const std::filesystem::path& path,
                      int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  throw Error(full ? ErrorKind::kNoSpace : ErrorKind::kBadFile,
              action + " " + path.string() + ": " + std::strerror(error_number));
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw_file_error("cannot read", path, file ? EISDIR : errno);
  }
  std::ostringstream content;
  content << file.rdbuf();
  if (file.bad()) throw_file_error("cannot read", path, errno);
  return std::move(content).str();
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> content) {
  const std::filesystem::path draft = path.string() + ".tmp";
  {
    FileDescriptor file(
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) throw_file_error("cannot create", draft, errno);
    size_t written = 0;
    while (written < content.size()) {
      const ssize_t n =
          ::write(file.get(), content.data() + written, content.size() - written);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw_file_error("cannot write", draft, errno);
      written += static_cast<size_t>(n);
    }
    if (::fsync(file.get()) != 0) throw_file_error("cannot sync", draft, errno);
  }
  std::error_code error;
  std::filesystem::rename(draft, path, error);
  if (error) throw_file_error("cannot rename to", path, error.value());
  sync_folder(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  write_file(path, std::as_bytes(std::span(content)));
}

void sync_folder(const std::filesystem::path& folder) {
  FileDescriptor handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (handle.get() < 0) throw_file_error("cannot open folder", folder, errno);
  if (::fsync(handle.get()) != 0) throw_file_error("cannot sync folder", folder, errno);
}

}  // namespace srpo::core
