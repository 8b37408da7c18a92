// Iterates over all trees of a replay folder, also while a run writes there.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "records/rollout_tree.h"
#include "storage/journal.h"
#include "storage/manifest.h"
#include "storage/replay_writer.h"
#include "storage/tree_key.h"

namespace srpo::storage {

/// Sealed shards in the order of the manifest, then the journal; each tree once. Memory:
/// one shard. It changes nothing on the disk. Damaged shards and journals are passed
/// over, counted and told. Thread-compatible.
class ReplayReader {
 public:
  /// `folder`: with MANIFEST.jsonl, shards and journal. Throws kBadFile when there is no
  /// such folder or its manifest cannot be read.
  explicit ReplayReader(const std::filesystem::path& folder);

  /// The next tree, or nothing at the end.
  std::optional<records::RolloutTree> next();

  /// Digest of the job file that made the folder; a file of another job counts as
  /// damaged. Empty for an empty folder.
  std::string job_digest() const { return job_digest_.value_or(""); }
  size_t num_listed_shards() const { return entries_.size(); }
  /// So far.
  const std::vector<DamagedFile>& damaged() const { return damaged_; }
  /// Trees that the manifest promises in damaged shards, so far.
  uint64_t num_lost_trees() const { return num_lost_trees_; }
  uint64_t num_repeated() const { return num_repeated_; }
  uint64_t num_from_journal() const { return num_from_journal_; }

 private:
  void open_journals();
  void load_shard(const ManifestEntry& entry);
  void require_same_run(const std::string& job_digest, const std::string& file);
  std::optional<records::RolloutTree> next_of_shards();
  std::optional<records::RolloutTree> next_of_journals();

  std::filesystem::path folder_;
  std::vector<JournalReader> journals_;
  std::vector<ManifestEntry> entries_;
  size_t next_entry_ = 0;
  size_t next_journal_ = 0;
  std::deque<records::RolloutTree> loaded_;
  std::optional<std::string> job_digest_;
  std::set<TreeKey> seen_;
  std::vector<DamagedFile> damaged_;
  uint64_t num_lost_trees_ = 0;
  uint64_t num_repeated_ = 0;
  uint64_t num_from_journal_ = 0;
};

}  // namespace srpo::storage
