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
};

/// A file that could not be read, and why.
struct DamagedFile {
  std::string name;
  std::string reason;
};

/// One writer a folder (others are refused). One thread only: its owner's.
class ReplayWriter {
 public:
  /// Opens or creates the folder and recovers: drafts are removed, a shard that was
  /// published but not listed is verified and listed (or moved to quarantine/ if it is
  /// not whole), the journal is read, its torn tail cut. Throws kBadInput when another
  /// process writes there, kBadFile when the folder is of another run or the journal is
  /// damaged before its end.
  ReplayWriter(const std::filesystem::path& folder, const ReplayOptions& options,
               ReplayMetadata metadata);

  /// Durable when it returns. False, counted and without effect, for a key that is
  /// accepted already. Seals a shard when enough trees are in the journal. Throws
  /// kNoSpace: then the tree is not accepted, except when only the sealing of a shard
  /// found no room.
  bool accept(const records::RolloutTree& tree);
  /// The same for several trees with one wait for the disk for each shard that they reach
  /// into. When it throws, those of earlier shards are accepted. Returns how many were
  /// new.
  size_t accept(std::span<const records::RolloutTree> trees);

  /// Turns what is in the journal into a shard.
  void seal();

  bool contains(const TreeKey& key) const { return places_.contains(key); }
  /// An accepted tree, from the journal or its shard; null for others. Valid until the
  /// next call of this object. Throws kBadFile when its shard is damaged.
  const records::RolloutTree* find(const TreeKey& key);

  /// All accepted keys, sorted.
  std::vector<TreeKey> accepted() const;
  size_t num_accepted() const { return places_.size(); }
  uint64_t num_repeated() const { return num_repeated_; }
  size_t num_shards() const { return manifest_->entries().size(); }
  size_t num_in_journal() const { return open_trees_.size(); }
  /// Listed shards that are missing or of another length: their trees do not count as
  /// accepted.
  const std::vector<DamagedFile>& damaged() const { return damaged_; }

 private:
  /// Which shard holds a tree, and as which row; the journal's trees are in the shard
  /// they will become.
  struct Place {
    uint32_t shard = 0;
    uint32_t row = 0;
  };

  void remove_drafts();
  void take_listed_shards();
  void take_unlisted_shards();
  void take_journals();
  void open_journal();
  void accept_group(std::span<const records::RolloutTree* const> trees);
  void add_open_tree(records::RolloutTree tree);
  void list_shard(uint32_t number, const FileMark& mark,
                  const std::vector<records::RolloutTree>& trees);
  void quarantine(const std::filesystem::path& file, const std::string& reason);

  std::filesystem::path folder_;
  ReplayOptions options_;
  ReplayMetadata metadata_;
  FolderLock lock_;
  std::optional<Manifest> manifest_;
  std::optional<Journal> journal_;
  uint32_t next_shard_ = 0;
  std::vector<records::RolloutTree> open_trees_;  // those of the journal
  std::map<TreeKey, Place> places_;
  std::vector<DamagedFile> damaged_;
  uint64_t num_repeated_ = 0;
  std::optional<uint32_t> cached_number_;  // the shard that find() read last
  ReplayShard cached_;
};

}  // namespace srpo::storage
