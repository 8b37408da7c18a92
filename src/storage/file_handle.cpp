#include "storage/file_handle.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "storage/file_layer.h"

namespace srpo::storage {
namespace {

[[noreturn]] void fail(const std::string& action, const std::filesystem::path& path) {
  // A file size limit stops a writer just as a full disk does.
  core::throw_file_error(action, path, errno == EFBIG ? ENOSPC : errno);
}

}  // namespace

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

FileHandle::FileHandle(std::filesystem::path path, int flags)
    : path_(std::move(path)),
      descriptor_(file_layer().open(path_.c_str(), flags | O_CLOEXEC, 0644)) {
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
    const ssize_t n = file_layer().write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write", path_);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

size_t FileHandle::read_at(std::span<std::byte> into, uint64_t offset) const {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t n =
        file_layer().pread(descriptor_, into.data() + done, into.size() - done,
                           static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot read", path_);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

void FileHandle::cut(uint64_t bytes) {
  if (file_layer().ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0)
    fail("cannot cut", path_);
  seek(bytes);
}

bool FileHandle::is_linked() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail("cannot look at", path_);
  return status.st_nlink > 0;
}

void FileHandle::seek(uint64_t offset) {
  if (::lseek(descriptor_, static_cast<off_t>(offset), SEEK_SET) < 0)
    fail("cannot seek in", path_);
}

void FileHandle::sync_data() {
  if (file_layer().fdatasync(descriptor_) != 0) fail("cannot sync", path_);
}

void FileHandle::sync() {
  if (file_layer().fsync(descriptor_) != 0) fail("cannot sync", path_);
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
  if (file_layer().unlink(path.c_str()) != 0 && errno != ENOENT)
    fail("cannot remove", path);
}

void publish_file(const std::filesystem::path& draft, const std::filesystem::path& path) {
  if (file_layer().rename(draft.c_str(), path.c_str()) != 0)
    fail("cannot rename to", path);
  sync_folder(folder_of(path));
}

void sync_folder(const std::filesystem::path& folder) {
  FileHandle handle(folder, O_RDONLY | O_DIRECTORY);
  handle.sync();
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  const std::filesystem::path draft = path.string() + ".tmp";
  try {
    FileHandle file(draft, O_WRONLY | O_CREAT | O_TRUNC);
    file.write_all(bytes);
    file.sync();
    file.close();
  } catch (const core::Error&) {
    file_layer().unlink(draft.c_str());  // frees the room of a draft that found none
    throw;
  }
  publish_file(draft, path);
}

core::Bytes read_file(const std::filesystem::path& path) {
  const FileHandle file(path, O_RDONLY);
  core::Bytes bytes(file.bytes());
  bytes.resize(file.read_at(bytes, 0));
  return bytes;
}

void make_folder(const std::filesystem::path& folder) {
  if (std::filesystem::is_directory(folder)) return;
  const std::filesystem::path above = folder_of(folder);
  if (above != folder) make_folder(above);
  if (file_layer().mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
    fail("cannot create folder", folder);
  }
  REQUIRE(std::filesystem::is_directory(folder), kBadFile,
          folder.string() << " is not a folder (expected one, or nothing of that name)");
  sync_folder(above);
}

}  // namespace srpo::storage
