// The list of a folder's replay shards and of what became of them: one JSON object a
// line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "storage/folder_lock.h"
#include "storage/replay_shard.h"
#include "storage/tree_key.h"

namespace srpo::storage {

inline constexpr const char* kManifestName = "MANIFEST.jsonl";

/// `shard-000003.h5`, `journal-000003.wal`: the journal whose trees become that shard. Of
/// a named writer: `shard-NAME-000003.h5`.
std::string shard_name(uint32_t number, const std::string& writer = "");
std::string journal_name(uint32_t number, const std::string& writer = "");

enum class ShardState : uint8_t {
  kLive,
  kQuarantined,  ///< could not be read; its trees do not count as accepted
  kReplaced,     ///< merged into another shard, which has its trees
  kRetired,      ///< removed by replay.keep; its trees stay accepted, and are gone
};

struct ManifestEntry {
  uint32_t number = 0;
  FileMark mark;
  std::vector<TreeKey> keys;  ///< in the order of the shard
  std::string writer;
  std::vector<std::string> replaces;  ///< shards that were merged into this one
  ShardState state = ShardState::kLive;
  uint32_t first_step = 0;
  uint32_t last_step = 0;
  uint64_t num_trees = 0;  ///< also where the keys were not asked for
  uint64_t line_offset = 0;

  std::string name() const { return shard_name(number, writer); }
};

/// An entry of these trees.
ManifestEntry entry_of(const ReplayShard& shard, const FileMark& mark);

/// A tree that the run gave up, and why.
struct DroppedTree {
  TreeKey key;
  std::string reason;
};

/// What the lines of a manifest come to.
struct ManifestContent {
  std::string job_digest;  ///< "" in version 1, which did not keep it
  std::vector<ManifestEntry> entries;
  std::map<TreeKey, std::string> dropped;
  uint64_t num_lost_records = 0;  ///< in journals that were damaged
  uint64_t good_bytes = 0;        ///< where the last whole line ends
  uint64_t num_lines = 0;

  /// The entry of a shard, or null.
  const ManifestEntry* find(const std::string& name) const;
  ManifestEntry* find(const std::string& name);
  /// Takes the place of the entry of that name, or comes last.
  void put(ManifestEntry entry);

 private:
  std::map<std::string, size_t> places_;
};

struct ManifestReading {
  bool keep_keys = true;  ///< false: memory of a few words a shard; see keys_of
  /// Called for a line that is none, instead of throwing; the line is left out.
  std::function<void(const std::string& reason)> on_damage;
};

/// The content of a manifest; nothing when the file is absent. A last line without its
/// end is left out. Throws kBadFile naming a line that is none, or the version that it
/// cannot read.
ManifestContent read_manifest(const std::filesystem::path& path,
                              const ManifestReading& reading = {});

/// The keys of an entry, read again.
std::vector<TreeKey> keys_of(const std::filesystem::path& path,
                             const ManifestEntry& entry);

/// Appends to a manifest that other writers may append to as well. Every append is made
/// under ManifestLock, to a file that is opened for it. One thread only: its owner's.
class Manifest {
 public:
  /// Opens or creates, and cuts a torn last line off. A file with lines that are none is
  /// moved to quarantine/, and made anew of the others. Throws kBadFile when it is of
  /// another run. The caller holds a ManifestLock for this, refresh and all appends.
  Manifest(const std::filesystem::path& folder, const std::string& job_digest);

  /// Takes over what others have appended; returns how many entries there were before.
  size_t refresh();

  // Durable when they return; when they throw, the file is as before.
  void append(const ManifestEntry& entry);
  void quarantine(const std::string& shard, const std::string& reason);
  void retire(const std::string& shard);
  void drop(const DroppedTree& tree);
  void lose_records(const std::string& journal, uint64_t count,
                    const std::string& reason);

  const std::vector<ManifestEntry>& entries() const { return content_.entries; }
  const ManifestContent& content() const { return content_; }
  const ManifestEntry* find(const std::string& shard) const {
    return content_.find(shard);
  }

 private:
  void append_line(const std::string& line);

  std::filesystem::path path_;
  ManifestContent content_;
  bool is_spoiled_ = false;  // a sync failed: the next append makes a new file
};

/// Keeps other writers from the manifest of a folder while it lives; waits for them.
class ManifestLock {
 public:
  explicit ManifestLock(const std::filesystem::path& folder);

 private:
  FolderLock lock_;
};

/// Moves a file to `folder`/quarantine/NAME.bad (NAME.2.bad, ... when that is taken) and
/// puts the sentence beside it as .txt. Returns the new path. A file that is not there is
/// left.
std::filesystem::path move_to_quarantine(const std::filesystem::path& file,
                                         const std::string& reason);
/// The same, but the file keeps its old name as well until it is replaced or removed.
std::filesystem::path link_to_quarantine(const std::filesystem::path& file,
                                         const std::string& reason);

}  // namespace srpo::storage
