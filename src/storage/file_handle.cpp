#include "storage/file_handle.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "core/error.h"
#include "core/files.h"

namespace srpo::storage {
namespace {

[[noreturn]] void fail(const std::string& action, const std::filesystem::path& path) {
  // A file size limit stops a writer just as a full disk does.
  core::throw_file_error(action, path, errno == EFBIG ? ENOSPC : errno);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

FileHandle::FileHandle(std::filesystem::path path, int flags)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), flags | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) fail("cannot open", path_);
}

FileHandle::~FileHandle() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileHandle::FileHandle(FileHandle&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

void FileHandle::write_all(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write", path_);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

size_t FileHandle::read_at(std::span<std::byte> into, uint64_t offset) const {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t n = ::pread(descriptor_, into.data() + done, into.size() - done,
                              static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot read", path_);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

void FileHandle::cut(uint64_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) fail("cannot cut", path_);
  seek(bytes);
}

void FileHandle::seek(uint64_t offset) {
  if (::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0)
    fail("cannot seek in", path_);
}

void FileHandle::sync_data() {
  if (::fdatasync(descriptor_) != 0) fail("cannot sync", path_);
}

void FileHandle::sync() {
  if (::fsync(descriptor_) != 0) fail("cannot sync", path_);
}

void FileHandle::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("cannot close", path_);
}

uint64_t FileHandle::bytes() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail("cannot look at", path_);
  return static_cast<uint64_t>(status.st_size);
}

void remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("cannot remove", path);
}

void publish_file(const std::filesystem::path& draft, const std::filesystem::path& path) {
  if (::rename(draft.c_str(), path.c_str()) != 0) fail("cannot rename to", path);
  core::sync_folder(folder_of(path));
}

void make_folder(const std::filesystem::path& folder) {
  if (std::filesystem::is_directory(folder)) return;
  const std::filesystem::path above = folder_of(folder);
  if (above != folder) make_folder(above);
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    fail("cannot create folder", folder);
  }
  REQUIRE(std::filesystem::is_directory(folder), kBadFile,
          folder.string() << " is not a folder (expected one, or nothing of that name)");
  core::sync_folder(above);
}

}  // namespace srpo::storage
