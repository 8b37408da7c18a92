// An append-only log of byte records that survives a kill at any moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "core/archive.h"
#include "storage/file_handle.h"

namespace srpo::storage {

/// Reads the records of a journal one after another, without changing the file; a writer
/// may be at work on it. Thread-compatible.
class JournalReader {
 public:
  /// Throws kBadFile when the file is no journal.
  explicit JournalReader(const std::filesystem::path& path);

  /// The next record; nothing at the end or at a torn tail. Throws kBadFile naming the
  /// offset when a damaged frame has intact ones behind it: that is no crash but lost
  /// data.
  std::optional<core::Bytes> next();

  const std::filesystem::path& path() const { return file_.path(); }
  const std::string& run_digest() const { return run_digest_; }
  uint64_t num_records() const { return num_records_; }
  /// Behind the last good frame that was read.
  uint64_t good_end() const { return good_end_; }
  /// Bytes behind good_end(): after the last record, the torn tail.
  uint64_t bytes_left() const { return file_.bytes() - good_end_; }

 private:
  void read_header();
  std::optional<core::Bytes> frame_at(uint64_t offset, uint64_t* sequence) const;
  std::optional<uint64_t> intact_frame_behind(uint64_t offset) const;

  FileHandle file_;
  std::string run_digest_;
  uint64_t good_end_ = 0;
  uint64_t num_records_ = 0;
};

/// Appends records. One thread only: its owner's.
class Journal {
 public:
  /// Opens or creates, checks every frame, and cuts a torn tail off. Throws kBadFile when
  /// the file is no journal, is of another run, or is damaged anywhere but at its end.
  static Journal open(const std::filesystem::path& path, const std::string& run_digest);

  /// Takes a record into the next group; nothing is promised before sync().
  void append(std::span<const std::byte> record);
  /// Writes the group and waits until it is on the disk. When that fails (kNoSpace,
  /// kBadFile) the file is cut back to the last synced frame and the group is forgotten:
  /// none of it is acknowledged, and all of it may be appended again.
  void sync();

  /// Records on the disk.
  uint64_t num_records() const { return num_synced_; }
  /// Bytes of a torn tail that open() cut off.
  uint64_t torn_bytes() const { return torn_bytes_; }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  Journal() = default;

  FileHandle file_;
  core::Bytes group_;
  uint64_t num_grouped_ = 0;
  uint64_t num_synced_ = 0;
  uint64_t synced_end_ = 0;
  uint64_t torn_bytes_ = 0;
  bool is_broken_ = false;  // could not be cut back
};

}  // namespace srpo::storage
