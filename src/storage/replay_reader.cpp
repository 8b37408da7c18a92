#include "storage/replay_reader.h"

#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "storage/replay_names.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

}  // namespace

ReplayReader::ReplayReader(const std::filesystem::path& folder) : folder_(folder) {
  REQUIRE(std::filesystem::is_directory(folder_), kBadFile,
          folder_.string() << " is not a folder (expected one with replay shards)");
  // Journals first: whatever a writer seals after this moment is read from the journal,
  // which an open file keeps alive.
  open_journals();
  read_entries();
}

void ReplayReader::open_journals() {
  for (const auto& file : list_files(folder_, ReplayFileName::Kind::kJournal)) {
    const auto path = folder_ / journal_name(file.number, file.writer);
    try {
      journals_.emplace_back(path, JournalReader::Damage::kSkip);
    } catch (const core::Error& error) {
      // A journal that is gone by now has become a shard, which the manifest lists.
      if (std::filesystem::exists(path))
        damaged_.push_back({path.filename().string(), error.what()});
    }
  }
}

void ReplayReader::read_entries() {
  const std::filesystem::path path = folder_ / kManifestName;
  bool is_damaged = false;
  ManifestContent content =
      read_manifest(path, {false, [&](const std::string& reason) {
                             if (!is_damaged) damaged_.push_back({kManifestName, reason});
                             is_damaged = true;
                           }});
  if (!content.job_digest.empty()) job_digest_ = content.job_digest;
  num_lost_records_ = content.num_lost_records;
  dropped_ = std::move(content.dropped);
  for (const ManifestEntry& entry : content.entries) {
    if (entry.state == ShardState::kLive) {
      entries_.push_back(entry);
    } else if (entry.state == ShardState::kRetired) {
      num_retired_trees_ += entry.num_trees;
    } else if (entry.state == ShardState::kQuarantined) {
      const std::vector<TreeKey> keys = keys_of(path, entry);
      missing_.insert(missing_.end(), keys.begin(), keys.end());
    }
  }
  num_live_shards_ = entries_.size();
  const auto shards = list_files(folder_, ReplayFileName::Kind::kShard);
  if (!std::filesystem::exists(path) && !shards.empty()) {
    damaged_.push_back({kManifestName, path.string() +
                                           " is missing: its shards are read by "
                                           "their names"});
    is_damaged = true;
  }
  if (!is_damaged) return;
  // Its other shards are where they were.
  for (const auto& file : shards) {
    ManifestEntry entry;
    entry.number = file.number;
    entry.writer = file.writer;
    if (content.find(entry.name()) == nullptr) entries_.push_back(entry);
  }
}

uint64_t ReplayReader::num_lost_trees() const {
  return static_cast<uint64_t>(
      std::count_if(missing_.begin(), missing_.end(),
                    [this](const TreeKey& key) { return !seen_.contains(key); }));
}

void ReplayReader::require_same_run(const std::string& job_digest,
                                    const std::string& file) {
  if (!job_digest_) job_digest_ = job_digest;
  REQUIRE(job_digest == *job_digest_, kBadFile,
          file << " belongs to another run: its job has digest " << job_digest
               << " (expected " << *job_digest_ << ", as the files before it)");
}

/// Whether the shard is gone because its trees are in another one by now, which then is
/// read instead, or because they are kept no more.
bool ReplayReader::was_replaced(const ManifestEntry& entry) {
  if (std::filesystem::exists(folder_ / entry.name())) return false;
  ManifestContent now =
      read_manifest(folder_ / kManifestName, {false, [](const std::string&) {}});
  const ManifestEntry* listed = now.find(entry.name());
  if (listed == nullptr || listed->state == ShardState::kLive ||
      listed->state == ShardState::kQuarantined)
    return false;
  if (listed->state == ShardState::kRetired) num_retired_trees_ += entry.num_trees;
  for (const ManifestEntry& other : now.entries) {
    const auto known = [&](const ManifestEntry& each) {
      return each.name() == other.name();
    };
    if (other.state == ShardState::kLive &&
        std::none_of(entries_.begin(), entries_.end(), known))
      entries_.push_back(other);
  }
  return true;
}

void ReplayReader::load_shard(const ManifestEntry& entry) {
  const std::filesystem::path path = folder_ / entry.name();
  if (was_replaced(entry)) return;
  try {
    const core::Bytes bytes = read_file(path);
    REQUIRE(entry.mark.bytes == 0 || mark_of(bytes) == entry.mark, kBadFile,
            path.string() << ": " << bytes.size()
                          << " bytes of another content than its manifest lists ("
                          << entry.mark.bytes << " bytes)");
    ReplayShard shard = decode_shard(bytes, path.string());
    require_same_run(shard.metadata.job_digest, path.string());
    if (!metadata_) metadata_ = std::move(shard.metadata);
    std::move(shard.trees.begin(), shard.trees.end(), std::back_inserter(loaded_));
  } catch (const core::Error& error) {
    damaged_.push_back({entry.name(), error.what()});
    if (entry.num_trees == 0) return;
    const std::vector<TreeKey> keys = keys_of(folder_ / kManifestName, entry);
    missing_.insert(missing_.end(), keys.begin(), keys.end());
  }
}

std::optional<RolloutTree> ReplayReader::next_of_shards() {
  while (loaded_.empty() && next_entry_ < entries_.size()) {
    const ManifestEntry entry = entries_[next_entry_++];
    load_shard(entry);
  }
  if (loaded_.empty()) return std::nullopt;
  RolloutTree tree = std::move(loaded_.front());
  loaded_.pop_front();
  return tree;
}

std::optional<RolloutTree> ReplayReader::next_of_journals() {
  for (; next_journal_ < journals_.size(); ++next_journal_) {
    JournalReader& journal = journals_[next_journal_];
    const std::string name = journal.path().filename().string();
    try {
      if (journal.damage().empty())
        require_same_run(journal.run_digest(), journal.path().string());
      const RecordFormat format = {journal.header().version,
                                   metadata_ ? metadata_->seed : 0};
      if (const auto record = journal.next())
        return tree_of(*record, format, journal.path().string());
      num_lost_records_ += journal.num_lost();
      if (!journal.damage().empty()) damaged_.push_back({name, journal.damage()});
    } catch (const core::Error& error) {
      damaged_.push_back({name, error.what()});
    }
  }
  return std::nullopt;
}

std::optional<RolloutTree> ReplayReader::next() {
  for (;;) {
    std::optional<RolloutTree> tree = next_of_shards();
    const bool from_journal = !tree.has_value();
    if (from_journal) tree = next_of_journals();
    if (!tree) return std::nullopt;
    if (seen_.insert(key_of(*tree))) {
      num_from_journal_ += from_journal ? 1 : 0;
      return tree;
    }
    // A journal whose shard was sealed in the meantime repeats it by design; shards never
    // do.
    num_repeated_ += from_journal ? 0 : 1;
  }
}

}  // namespace srpo::storage
