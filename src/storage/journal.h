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

/// What a journal says of itself.
struct JournalHeader {
  uint32_t version = 3;
  std::string run_digest;
  uint64_t run_seed = 0;  ///< 0 in version 1, which did not keep it

  bool operator==(const JournalHeader&) const = default;
};

/// Reads the records of a journal one after another, without changing the file; a writer
/// may be at work on it. Thread-compatible.
class JournalReader {
 public:
  enum class Damage {
    kRefuse,  ///< throws at the first damage
    kSkip,    ///< goes on behind it, and counts
  };

  /// Throws kBadFile when the file is no journal of a version that this program reads.
  /// With kSkip only when it cannot be read at all.
  explicit JournalReader(const std::filesystem::path& path,
                         Damage damage = Damage::kRefuse);

  /// The next record; nothing at the end or at a torn tail. When a damaged frame has
  /// intact ones behind it, that is no crash but lost data: throws kBadFile naming the
  /// offset, or skips it.
  std::optional<core::Bytes> next();

  const std::filesystem::path& path() const { return file_.path(); }
  const JournalHeader& header() const { return header_; }
  const std::string& run_digest() const { return header_.run_digest; }
  uint64_t num_records() const { return num_records_; }
  /// Records that were skipped, so far.
  uint64_t num_lost() const { return num_lost_; }
  /// What was wrong first; empty while nothing was.
  const std::string& damage() const { return damage_; }
  /// Behind the last good frame that was read.
  uint64_t good_end() const { return good_end_; }
  /// Bytes behind good_end(): after the last record, the torn tail.
  uint64_t bytes_left() const { return file_.bytes() - good_end_; }

 private:
  void read_header();
  void note_damage(const std::string& sentence);
  std::optional<core::Bytes> frame_at(uint64_t offset, uint64_t* sequence) const;
  std::optional<uint64_t> intact_frame_behind(uint64_t offset) const;

  FileHandle file_;
  Damage how_;
  JournalHeader header_;
  uint64_t good_end_ = 0;
  uint64_t num_records_ = 0;
  uint64_t num_lost_ = 0;
  std::string damage_;
};

/// Appends records. One thread only: its owner's.
class Journal {
 public:
  /// A new journal under a name that is not taken; its header is on the disk.
  static Journal create(const std::filesystem::path& path, const std::string& run_digest,
                        uint64_t run_seed = 0);
  /// Opens one, or creates it; checks every frame, and cuts a torn tail off. Throws
  /// kBadFile when the file is no journal, is of another run or version, or is damaged
  /// anywhere but at its end.
  static Journal open(const std::filesystem::path& path, const std::string& run_digest,
                      uint64_t run_seed = 0);

  /// Takes a record into the next group; nothing is promised before sync().
  void append(std::span<const std::byte> record);
  /// Writes the group and waits until it is on the disk. When that fails (kNoSpace,
  /// kBadFile) the group is forgotten: none of it is acknowledged, and all of it may be
  /// appended again, here or, if is_spoiled(), to another journal.
  void sync();

  /// A sync has failed, or the file could not be cut back, or has lost its name: what the
  /// system then says of later syncs of this file cannot be trusted, so there are none.
  bool is_spoiled() const { return is_spoiled_; }
  /// Records on the disk.
  uint64_t num_records() const { return num_synced_; }
  /// Bytes of a torn tail that open() cut off.
  uint64_t torn_bytes() const { return torn_bytes_; }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  Journal() = default;
  void write_group(std::span<const std::byte> group);

  FileHandle file_;
  core::Bytes group_;
  uint64_t num_grouped_ = 0;
  uint64_t num_synced_ = 0;
  uint64_t synced_end_ = 0;
  uint64_t torn_bytes_ = 0;
  bool is_spoiled_ = false;
};

}  // namespace srpo::storage
