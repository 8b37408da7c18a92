// An open file whose every failed call becomes an error that names the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "core/archive.h"

namespace srpo::storage {

/// Owns a file descriptor. Errors are kNoSpace (disk full, quota or file size limit) or
/// kBadFile. Thread-compatible.
class FileHandle {
 public:
  FileHandle() = default;
  /// `flags` as open(2) takes them; new files get mode 0644.
  FileHandle(std::filesystem::path path, int flags);
  ~FileHandle();
  FileHandle(FileHandle&& other) noexcept;
  FileHandle& operator=(FileHandle&& other) noexcept;

  /// All of `bytes` at the file's position, or an error with a part of them written.
  void write_all(std::span<const std::byte> bytes);
  /// As many bytes as the file has from `offset` on, at most `into.size()`.
  size_t read_at(std::span<std::byte> into, uint64_t offset) const;
  /// Cuts the file and moves its position to the new end.
  void cut(uint64_t bytes);
  void seek(uint64_t offset);
  /// fdatasync and fsync.
  void sync_data();
  void sync();
  void close();

  /// Whether the file still has a name: what is written to one without is gone with us.
  bool is_linked() const;
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  uint64_t bytes() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Removes a file if it is there.
void remove_file(const std::filesystem::path& path);
/// Renames within a folder and makes that durable.
void publish_file(const std::filesystem::path& draft, const std::filesystem::path& path);
/// The folder that a path lies in.
std::filesystem::path folder_of(const std::filesystem::path& path);
/// Makes the names in a folder durable.
void sync_folder(const std::filesystem::path& folder);
/// Writes beside the target (`.tmp`), syncs, and renames: the old file or the new one,
/// whole.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
core::Bytes read_file(const std::filesystem::path& path);
/// A folder and those above it, durable.
void make_folder(const std::filesystem::path& folder);

}  // namespace srpo::storage
