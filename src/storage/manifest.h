// The list of a folder's replay shards: one JSON object a line, appended when a shard is
// published.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/file_handle.h"
#include "storage/replay_shard.h"
#include "storage/tree_key.h"

namespace srpo::storage {

inline constexpr const char* kManifestName = "MANIFEST.jsonl";

/// `shard-000003.h5`, `journal-000003.wal`: the journal whose trees become that shard.
std::string shard_name(uint32_t number);
std::string journal_name(uint32_t number);

struct ManifestEntry {
  uint32_t number = 0;
  FileMark mark;
  std::vector<TreeKey> keys;  ///< in the order of the shard

  std::string name() const { return shard_name(number); }
};

/// The entries of a manifest; none when the file is absent. A last line without its end
/// is left out. Throws kBadFile naming the line otherwise. `good_bytes`: where the last
/// whole line ends.
std::vector<ManifestEntry> read_manifest(const std::filesystem::path& path,
                                         uint64_t* good_bytes = nullptr);

/// Appends to a manifest. One thread only: its owner's.
class Manifest {
 public:
  /// Opens or creates, and cuts a torn last line off.
  explicit Manifest(const std::filesystem::path& path);

  /// Durable when it returns; when it throws, the file is as before.
  void append(const ManifestEntry& entry);

  const std::vector<ManifestEntry>& entries() const { return entries_; }
  /// The entry of a shard, or null.
  const ManifestEntry* find(uint32_t number) const;

 private:
  std::vector<ManifestEntry> entries_;
  FileHandle file_;
};

}  // namespace srpo::storage
