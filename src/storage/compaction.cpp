#include "storage/compaction.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>

#include "core/error.h"
#include "storage/folder_lock.h"
#include "storage/manifest.h"
#include "storage/replay_names.h"
#include "storage/replay_shard.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

/// The locks of all writers that there have been, and of the one without a name.
std::vector<std::unique_ptr<FolderLock>> lock_all(const std::filesystem::path& folder) {
  std::set<std::string> names = {lock_name("")};
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(lock_name("") + "-", 0) == 0) names.insert(name);
  }
  std::vector<std::unique_ptr<FolderLock>> locks;
  locks.reserve(names.size());
  for (const std::string& name : names)
    locks.push_back(std::make_unique<FolderLock>(folder, name));
  return locks;
}

/// What a killed compaction has left: a draft, a merged shard that is not listed, or
/// shards that are replaced.
void finish_earlier(const std::filesystem::path& folder, Manifest& manifest) {
  for (const auto& file : list_files(folder, ReplayFileName::Kind::kShard)) {
    const std::string name = shard_name(file.number, file.writer);
    if (manifest.find(name) != nullptr) continue;
    try {
      const core::Bytes bytes = read_file(folder / name);
      const ReplayShard shard = decode_shard(bytes, name);
      const bool is_merged = !shard.replaces.empty() && shard.number == file.number &&
                             shard.metadata.job_digest == manifest.content().job_digest;
      if (is_merged) manifest.append(entry_of(shard, mark_of(bytes)));
    } catch (const core::Error&) {
      continue;  // the next writer looks at it
    }
  }
  for (const ManifestEntry& entry : manifest.entries()) {
    if (entry.state == ShardState::kReplaced) remove_file(folder / entry.name());
  }
}

class Compactor {
 public:
  Compactor(const std::filesystem::path& folder, const CompactionOptions& options)
      : folder_(folder),
        options_(options),
        locks_(lock_all(folder)),
        guard_(folder),
        manifest_(folder, digest_in(folder)) {
    finish_earlier(folder_, manifest_);
  }

  CompactionResult run() {
    count(result_.shards_before, result_.bytes_before);
    const std::vector<ManifestEntry> entries = manifest_.entries();
    for (const ManifestEntry& entry : entries) {
      if (entry.state != ShardState::kLive) continue;
      if (entry.num_trees > options_.shard_trees / 2) continue;
      if (num_pending_ + entry.num_trees > options_.shard_trees) merge_pending();
      pending_.push_back(entry);
      num_pending_ += entry.num_trees;
    }
    merge_pending();
    count(result_.shards_after, result_.bytes_after);
    return std::move(result_);
  }

 private:
  /// Of the manifest, or, where version 1 did not keep it, of the first shard.
  static std::string digest_in(const std::filesystem::path& folder) {
    REQUIRE(std::filesystem::exists(folder / kManifestName), kBadFile,
            folder.string() << " has no " << kManifestName
                            << " (expected a replay folder; the next start of its run "
                               "makes a lost one anew)");
    const ManifestContent content = read_manifest(folder / kManifestName, {false, {}});
    if (!content.job_digest.empty()) return content.job_digest;
    for (const ManifestEntry& entry : content.entries) {
      if (std::filesystem::exists(folder / entry.name()))
        return read_shard(folder / entry.name()).metadata.job_digest;
    }
    return "";
  }

  void count(uint64_t& shards, uint64_t& bytes) const {
    for (const ManifestEntry& entry : manifest_.entries()) {
      if (entry.state != ShardState::kLive) continue;
      ++shards;
      bytes += entry.mark.bytes;
    }
  }

  uint32_t next_number() const {
    uint32_t next = 0;
    for (const auto kind :
         {ReplayFileName::Kind::kShard, ReplayFileName::Kind::kJournal}) {
      for (const auto& file : list_files(folder_, kind)) {
        if (file.writer.empty()) next = std::max(next, file.number + 1);
      }
    }
    for (const ManifestEntry& entry : manifest_.entries()) {
      if (entry.writer.empty()) next = std::max(next, entry.number + 1);
    }
    return next;
  }

  /// Adds a shard's trees to the merged one; false when it cannot be read.
  bool take(const ManifestEntry& entry, ReplayShard& merged) {
    try {
      ReplayShard shard = read_shard(folder_ / entry.name());
      REQUIRE(shard.metadata.job_digest == manifest_.content().job_digest, kBadFile,
              entry.name() << " belongs to another run");
      merged.metadata = std::move(shard.metadata);
      std::move(shard.trees.begin(), shard.trees.end(), std::back_inserter(merged.trees));
      return true;
    } catch (const core::Error& error) {
      result_.left_out.push_back(entry.name() + ": " + error.what());
      return false;
    }
  }

  void merge_pending() {
    const std::vector<ManifestEntry> entries = std::exchange(pending_, {});
    num_pending_ = 0;
    if (entries.size() < 2) return;
    ReplayShard merged;
    for (const ManifestEntry& entry : entries) {
      if (take(entry, merged)) merged.replaces.push_back(entry.name());
    }
    if (merged.replaces.size() < 2) return;
    std::sort(
        merged.trees.begin(), merged.trees.end(),
        [](const RolloutTree& a, const RolloutTree& b) { return key_of(a) < key_of(b); });
    merged.number = next_number();
    result_.trees_moved += merged.trees.size();
    const FileMark mark =
        write_shard(folder_ / shard_name(merged.number), merged, options_.compression);
    manifest_.append(entry_of(merged, mark));
    for (const std::string& name : merged.replaces) remove_file(folder_ / name);
  }

  std::filesystem::path folder_;
  CompactionOptions options_;
  std::vector<std::unique_ptr<FolderLock>> locks_;
  ManifestLock guard_;
  Manifest manifest_;
  std::vector<ManifestEntry> pending_;
  uint64_t num_pending_ = 0;
  CompactionResult result_;
};

}  // namespace

CompactionResult compact_replay(const std::filesystem::path& folder,
                                const CompactionOptions& options) {
  REQUIRE(options.shard_trees >= 2 && options.shard_trees <= 1000000, kBadInput,
          "shard_trees=" << options.shard_trees << " (expected 2..1000000)");
  REQUIRE(std::filesystem::is_directory(folder), kBadFile,
          folder.string() << " is not a folder (expected one with replay shards)");
  return Compactor(folder, options).run();
}

}  // namespace srpo::storage
