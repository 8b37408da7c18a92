// Accepts rollout trees for good: journal first, then immutable shards; a crash at any
// moment loses nothing accepted.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "records/rollout_tree.h"
#include "storage/folder_lock.h"
#include "storage/journal.h"
#include "storage/manifest.h"
#include "storage/replay_shard.h"
#include "storage/tree_key.h"

namespace srpo::storage {

struct ReplayOptions {
  uint32_t shard_trees = 256;  ///< trees in a sealed shard, 1..1000000
  Compression compression = Compression::kNone;
  uint32_t keep_steps = 0;  ///< shards of older steps are removed; 0: all are kept
  std::string writer = "";  ///< name among several, [a-z0-9_]; "" for the only one, or
                            ///< for the one that takes over what dead ones have left
};

/// A file that could not be read, and why.
struct DamagedFile {
  std::string name;
  std::string reason;
};

/// One writer of a name a folder (others are refused); writers of several names share
/// the manifest. A key that two of them have accepted is stored once: the later one to
/// seal drops it. One thread only: its owner's.
class ReplayWriter {
 public:
  /// Opens or creates the folder and recovers: drafts are removed; a shard that was
  /// published but not listed is verified and listed; journals are read, their torn tails
  /// cut. What is corrupt, truncated, of another run or of a future version goes to
  /// quarantine/ with a sentence, and its trees are taken from the journal where that
  /// still has them. Throws kBadInput when another process writes there, kBadFile when
  /// the folder is of another run.
  ReplayWriter(const std::filesystem::path& folder, const ReplayOptions& options,
               ReplayMetadata metadata);

  /// Durable when it returns. False, counted and without effect, for a key that is
  /// accepted already. Seals a shard when enough trees are in the journal. When the
  /// journal's disk fails, all of it is written once more to a fresh file; when that
  /// fails too, throws kBadFile. Throws kNoSpace on a full disk. After both the tree is
  /// not accepted (except when only the sealing of a shard found no room), and may be
  /// given again.
  bool accept(const records::RolloutTree& tree);
  /// The same for several trees with one wait for the disk for each shard that they reach
  /// into. When it throws, those of earlier shards are accepted. Returns how many were
  /// new.
  size_t accept(std::span<const records::RolloutTree> trees);

  /// Turns what is in the journal into a shard, and removes shards that need not be kept.
  void seal();

  /// Records that the run gave a tree up: the ledger's other side. Durable.
  void drop(const TreeKey& key, const std::string& reason);

  bool contains(const TreeKey& key) const { return places_.contains(key); }
  /// An accepted tree, from the journal or its shard; null for others, and for those that
  /// keep_steps has removed. Valid until the next call of this object. A shard that turns
  /// out to be damaged goes to quarantine/: its trees are then not accepted any more.
  const records::RolloutTree* find(const TreeKey& key);

  /// All accepted keys, sorted.
  std::vector<TreeKey> accepted() const;
  size_t num_accepted() const { return places_.size(); }
  uint64_t num_repeated() const { return num_repeated_; }
  /// Listed and readable.
  size_t num_shards() const;
  size_t num_in_journal() const { return open_trees_.size(); }
  /// How often a fresh journal took the place of one whose disk had failed.
  uint64_t num_journals_replaced() const { return num_journals_replaced_; }
  const std::map<TreeKey, std::string>& dropped() const {
    return manifest_->content().dropped;
  }
  /// What this object has put into quarantine, or found missing.
  const std::vector<DamagedFile>& damaged() const { return damaged_; }

 private:
  /// Which entry of the manifest holds a tree, and as which row; kOpen: the journal.
  struct Place {
    size_t entry = 0;
    uint32_t row = 0;
  };
  static constexpr size_t kOpen = ~size_t{0};

  void remove_drafts();
  void take_over_from_the_dead();
  void take_entries(size_t first);
  bool is_whole(const ManifestEntry& entry, bool read_all);
  void take_unlisted_shards();
  void take_journals();
  void recover_journals(const std::vector<uint32_t>& numbers);
  void read_journal(uint32_t number, std::vector<records::RolloutTree>& into);
  void accept_group(std::span<const records::RolloutTree* const> trees);
  void start_journal(std::span<const records::RolloutTree* const> trees);
  void add_open_tree(records::RolloutTree tree);
  void leave_out_sealed_elsewhere(size_t first_entry);
  void publish(ReplayShard& shard);
  void retire_old_shards();
  void quarantine_shard(const std::string& name, const std::string& reason);
  void forget_trees_of(size_t entry);
  std::string own_journal(uint32_t number) const;

  std::filesystem::path folder_;
  ReplayOptions options_;
  ReplayMetadata metadata_;
  FolderLock lock_;
  std::optional<Manifest> manifest_;
  std::optional<Journal> journal_;
  uint32_t next_shard_ = 0;                       // also the number of the journal
  std::vector<records::RolloutTree> open_trees_;  // those of the journal
  std::map<TreeKey, Place> places_;
  std::vector<DamagedFile> damaged_;
  uint64_t num_repeated_ = 0;
  uint64_t num_journals_replaced_ = 0;
  std::optional<size_t> cached_entry_;  // the shard that find() read last
  ReplayShard cached_;
};

}  // namespace srpo::storage
