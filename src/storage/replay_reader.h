// Iterates over all trees of a replay folder, also while a run writes there.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "records/rollout_tree.h"
#include "storage/journal.h"
#include "storage/key_set.h"
#include "storage/manifest.h"
#include "storage/replay_writer.h"
#include "storage/tree_key.h"

namespace srpo::storage {

/// Sealed shards in the order of the manifest, then the journals; each tree once. Memory:
/// one shard, some words for each shard and each step, however many trees there are. It
/// changes nothing on the disk. Damaged files are passed over, counted and told.
/// Thread-compatible.
class ReplayReader {
 public:
  /// `folder`: with MANIFEST.jsonl, shards and journals. Throws kBadFile when there is no
  /// such folder.
  explicit ReplayReader(const std::filesystem::path& folder);

  /// The next tree, or nothing at the end.
  std::optional<records::RolloutTree> next();

  /// Digest of the job file that made the folder; a file of another job counts as
  /// damaged. Empty for an empty folder.
  std::string job_digest() const { return job_digest_.value_or(""); }
  /// What the first shard says of the run; nothing before one was read.
  const std::optional<ReplayMetadata>& metadata() const { return metadata_; }
  size_t num_listed_shards() const { return num_live_shards_; }
  /// So far.
  const std::vector<DamagedFile>& damaged() const { return damaged_; }
  /// Trees that were accepted, whose shard cannot be read, and that have not come from
  /// elsewhere, so far.
  uint64_t num_lost_trees() const;
  /// Records of damaged journals.
  uint64_t num_lost_records() const { return num_lost_records_; }
  /// Trees that replay.keep has removed.
  uint64_t num_retired_trees() const { return num_retired_trees_; }
  uint64_t num_repeated() const { return num_repeated_; }
  uint64_t num_from_journal() const { return num_from_journal_; }
  /// Trees that the run gave up.
  const std::map<TreeKey, std::string>& dropped() const { return dropped_; }

 private:
  void open_journals();
  void read_entries();
  void load_shard(const ManifestEntry& entry);
  bool was_replaced(const ManifestEntry& entry);
  void require_same_run(const std::string& job_digest, const std::string& file);
  std::optional<records::RolloutTree> next_of_shards();
  std::optional<records::RolloutTree> next_of_journals();

  std::filesystem::path folder_;
  std::vector<JournalReader> journals_;
  std::vector<ManifestEntry> entries_;  // still to be read, the next one in front
  size_t next_entry_ = 0;
  size_t next_journal_ = 0;
  std::deque<records::RolloutTree> loaded_;
  std::optional<std::string> job_digest_;
  std::optional<ReplayMetadata> metadata_;
  KeySet seen_;
  std::vector<TreeKey> missing_;  // keys of shards that cannot be read
  std::vector<DamagedFile> damaged_;
  std::map<TreeKey, std::string> dropped_;
  size_t num_live_shards_ = 0;
  uint64_t num_lost_records_ = 0;
  uint64_t num_retired_trees_ = 0;
  uint64_t num_repeated_ = 0;
  uint64_t num_from_journal_ = 0;
};

}  // namespace srpo::storage
