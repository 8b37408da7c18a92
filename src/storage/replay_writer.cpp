#include "storage/replay_writer.h"

#include <algorithm>
#include <set>

#include "core/archive.h"
#include "core/error.h"
#include "core/log.h"
#include "storage/file_layer.h"
#include "storage/replay_names.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

constexpr auto kLockPatience = std::chrono::seconds(2);

const std::filesystem::path& made_folder(const std::filesystem::path& folder) {
  make_folder(folder);
  return folder;
}

/// Only a named writer waits: its lock may be held for a moment by the one that takes
/// over what it left.
std::chrono::milliseconds patience_of(const ReplayOptions& options) {
  return options.writer.empty() ? std::chrono::seconds(0) : kLockPatience;
}

std::string checked_lock_name(const ReplayOptions& options) {
  require_writer_name(options.writer);
  return lock_name(options.writer);
}

/// Whether a draft's or temporary file's name is this writer's.
bool is_draft_of(const std::string& name, const std::string& writer) {
  if (name == std::string(kManifestName) + ".tmp") return true;
  size_t end = name.find(kDraftMark);
  if (end == std::string::npos && name.ends_with(".tmp")) end = name.size() - 4;
  if (end == std::string::npos) return false;
  const auto file = ReplayFileName::parse(name.substr(0, end));
  return file && file->writer == writer;
}

}  // namespace

ReplayWriter::ReplayWriter(const std::filesystem::path& folder,
                           const ReplayOptions& options, ReplayMetadata metadata)
    : folder_(folder),
      options_(options),
      metadata_(std::move(metadata)),
      lock_(made_folder(folder), checked_lock_name(options), patience_of(options)) {
  REQUIRE(options_.shard_trees >= 1 && options_.shard_trees <= 1000000, kBadConfig,
          "replay.shard_trees=" << options_.shard_trees << " (expected 1..1000000)");
  if (options_.writer.empty()) take_over_from_the_dead();
  const ManifestLock guard(folder_);
  remove_drafts();
  manifest_.emplace(folder_, metadata_.job_digest);
  take_unlisted_shards();
  take_entries(0);
  take_journals();
}

std::string ReplayWriter::own_journal(uint32_t number) const {
  return journal_name(number, options_.writer);
}

size_t ReplayWriter::num_shards() const {
  const auto& entries = manifest_->entries();
  return static_cast<size_t>(std::count_if(
      entries.begin(), entries.end(),
      [](const ManifestEntry& entry) { return entry.state == ShardState::kLive; }));
}

void ReplayWriter::remove_drafts() {
  std::vector<std::filesystem::path> drafts;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    if (is_draft_of(entry.path().filename().string(), options_.writer))
      drafts.push_back(entry.path());
  }
  for (const auto& draft : drafts) remove_file(draft);
}

/// Journals of named writers that do not run any more become shards.
void ReplayWriter::take_over_from_the_dead() {
  std::set<std::string> names;
  for (const auto& file : list_files(folder_, ReplayFileName::Kind::kJournal)) {
    if (!file.writer.empty()) names.insert(file.writer);
  }
  for (const std::string& name : names) {
    ReplayOptions options = options_;
    options.writer = name;
    try {
      const FolderLock is_free(folder_, lock_name(name));
    } catch (const core::Error& error) {
      if (error.kind() != core::ErrorKind::kBadInput) throw;
      continue;  // it runs
    }
    ReplayWriter(folder_, options, metadata_).seal();
  }
}

/// Entries from `first` on: their trees are accepted, unless their shard is not there.
void ReplayWriter::take_entries(size_t first) {
  for (size_t i = first; i < manifest_->entries().size(); ++i) {
    const ManifestEntry& entry = manifest_->entries()[i];
    if (entry.writer == options_.writer)
      next_shard_ = std::max(next_shard_, entry.number + 1);
    if (entry.state == ShardState::kQuarantined || entry.state == ShardState::kReplaced)
      continue;
    if (entry.state == ShardState::kLive && !is_whole(entry, false)) continue;
    uint32_t row = 0;
    for (const TreeKey& key : entry.keys) places_.emplace(key, Place{i, row++});
  }
  // What a crash has kept from being removed.
  for (size_t i = first; i < manifest_->entries().size(); ++i) {
    const ManifestEntry& entry = manifest_->entries()[i];
    if (entry.state == ShardState::kReplaced || entry.state == ShardState::kRetired)
      remove_file(folder_ / entry.name());
  }
}

/// False, after the shard went to quarantine, when it is not as the manifest says: its
/// length and seal, or all of it.
bool ReplayWriter::is_whole(const ManifestEntry& entry, bool read_all) {
  const std::filesystem::path path = folder_ / entry.name();
  try {
    require_sealed(path);
    const uint64_t bytes = std::filesystem::file_size(path);
    REQUIRE(bytes == entry.mark.bytes, kBadFile,
            path.string() << " has " << bytes << " bytes (expected " << entry.mark.bytes
                          << ", as its manifest lists)");
    REQUIRE(!read_all || mark_of(read_file(path)) == entry.mark, kBadFile,
            path.string() << " has another content than its manifest lists");
    return true;
  } catch (const core::Error& error) {
    quarantine_shard(std::string(entry.name()), error.what());
    return false;
  }
}

/// Shards that a crash has kept from being listed, of this writer; or of all, when the
/// manifest was lost. Those that a merged one replaces are removed.
void ReplayWriter::take_unlisted_shards() {
  std::vector<ManifestEntry> found;
  for (const auto& file : list_files(folder_, ReplayFileName::Kind::kShard)) {
    const std::string name = shard_name(file.number, file.writer);
    if (manifest_->find(name) != nullptr) continue;
    if (!options_.writer.empty() && file.writer != options_.writer) continue;
    const std::filesystem::path path = folder_ / name;
    try {
      const core::Bytes bytes = read_file(path);
      ReplayShard shard = decode_shard(bytes, path.string());
      REQUIRE(shard.metadata.job_digest == metadata_.job_digest, kBadFile,
              path.string() << " belongs to another run: its job has digest "
                            << shard.metadata.job_digest << " (expected "
                            << metadata_.job_digest << ")");
      shard.number = file.number;
      shard.writer = file.writer;
      found.push_back(entry_of(shard, mark_of(bytes)));
    } catch (const core::Error& error) {
      damaged_.push_back({name, error.what()});
      move_to_quarantine(path, error.what());
    }
  }
  std::set<std::string> replaced;
  for (const ManifestEntry& entry : found)
    replaced.insert(entry.replaces.begin(), entry.replaces.end());
  for (const ManifestEntry& entry : found) {
    if (replaced.contains(entry.name())) {
      remove_file(folder_ / entry.name());
    } else {
      manifest_->append(entry);
    }
  }
}

void ReplayWriter::take_journals() {
  std::vector<uint32_t> numbers;
  for (const auto& file : list_files(folder_, ReplayFileName::Kind::kJournal)) {
    if (file.writer == options_.writer) numbers.push_back(file.number);
  }
  if (numbers.empty()) return;
  // A shard whose journal is still there was sealed just before a crash: looked at whole,
  // for now it can still be made again.
  for (size_t i = 0; i < manifest_->entries().size(); ++i) {
    const ManifestEntry& entry = manifest_->entries()[i];
    const bool has_journal =
        entry.writer == options_.writer && entry.state == ShardState::kLive &&
        std::find(numbers.begin(), numbers.end(), entry.number) != numbers.end();
    if (has_journal && !is_whole(entry, true)) forget_trees_of(i);
  }
  if (numbers.size() > 1 || numbers.front() < next_shard_)
    return recover_journals(numbers);
  next_shard_ = numbers.front();
  const std::filesystem::path path = folder_ / own_journal(next_shard_);
  try {
    journal_.emplace(Journal::open(path, metadata_.job_digest, metadata_.seed));
    JournalReader reader(path);
    while (const auto record = reader.next()) {
      RolloutTree tree = tree_of(*record, {}, path.string());
      if (!contains(key_of(tree))) add_open_tree(std::move(tree));
    }
  } catch (const core::Error& error) {
    if (error.kind() != core::ErrorKind::kBadFile) throw;
    journal_.reset();
    for (const RolloutTree& tree : open_trees_) places_.erase(key_of(tree));
    open_trees_.clear();
    return recover_journals(numbers);
  }
  if (journal_->torn_bytes() > 0) {
    LOG(warn) << "journal " << path.string()
              << " ended within a record: torn_bytes=" << journal_->torn_bytes()
              << " were never accepted and are cut off";
  }
}

/// Whatever state they are in: their readable trees that no shard has go to a new
/// journal, then they are removed.
void ReplayWriter::recover_journals(const std::vector<uint32_t>& numbers) {
  std::vector<RolloutTree> trees;
  for (const uint32_t number : numbers) read_journal(number, trees);
  next_shard_ = std::max(next_shard_, numbers.back() + 1);
  std::vector<const RolloutTree*> missing;
  std::set<TreeKey> keys;
  for (const RolloutTree& tree : trees) {
    if (!contains(key_of(tree)) && keys.insert(key_of(tree)).second)
      missing.push_back(&tree);
  }
  if (!missing.empty()) {
    start_journal(missing);
    for (const RolloutTree* tree : missing) add_open_tree(*tree);
  }
  for (const uint32_t number : numbers) remove_file(folder_ / own_journal(number));
}

void ReplayWriter::read_journal(uint32_t number, std::vector<RolloutTree>& into) {
  const std::filesystem::path path = folder_ / own_journal(number);
  JournalReader reader(path, JournalReader::Damage::kSkip);
  std::string damage = reader.damage();
  uint64_t unreadable = 0;
  const bool is_foreign = damage.empty() && reader.run_digest() != metadata_.job_digest;
  if (is_foreign) {
    damage = path.string() + " belongs to another run: its job has digest " +
             reader.run_digest() + " (expected " + metadata_.job_digest + ")";
  }
  while (!is_foreign) {
    const auto record = reader.next();
    if (!record) break;
    try {
      into.push_back(
          tree_of(*record, {reader.header().version, metadata_.seed}, path.string()));
    } catch (const core::Error& error) {
      if (damage.empty()) damage = error.what();
      ++unreadable;
    }
  }
  if (damage.empty()) damage = reader.damage();
  if (damage.empty()) return;
  damaged_.push_back({own_journal(number), damage});
  link_to_quarantine(path, damage);
  manifest_->lose_records(own_journal(number), reader.num_lost() + unreadable, damage);
}

void ReplayWriter::add_open_tree(RolloutTree tree) {
  places_.emplace(key_of(tree), Place{kOpen, static_cast<uint32_t>(open_trees_.size())});
  open_trees_.push_back(std::move(tree));
}

bool ReplayWriter::accept(const RolloutTree& tree) {
  return accept(std::span(&tree, 1)) == 1;
}

size_t ReplayWriter::accept(std::span<const RolloutTree> trees) {
  std::set<TreeKey> keys;
  std::vector<const RolloutTree*> fresh;
  for (const RolloutTree& tree : trees) {
    require_sound(tree, "a tree to be stored");
    const bool repeated = contains(key_of(tree)) || !keys.insert(key_of(tree)).second;
    if (repeated) {
      ++num_repeated_;
    } else {
      fresh.push_back(&tree);
    }
  }
  std::span<const RolloutTree* const> left = fresh;
  while (!left.empty()) {
    // A shard that found no room earlier may find it now.
    if (open_trees_.size() >= options_.shard_trees) seal();
    const size_t count =
        std::min<size_t>(left.size(), options_.shard_trees - open_trees_.size());
    accept_group(left.first(count));
    left = left.subspan(count);
  }
  return fresh.size();
}

void ReplayWriter::accept_group(std::span<const RolloutTree* const> trees) {
  if (!journal_) {
    start_journal(trees);
  } else if (journal_->is_spoiled()) {
    ++next_shard_;
    start_journal(trees);
  } else {
    try {
      for (const RolloutTree* tree : trees) journal_->append(core::to_bytes(*tree));
      journal_->sync();
    } catch (const core::Error& error) {
      const bool is_full = error.kind() == core::ErrorKind::kNoSpace;
      if (is_full && !journal_->is_spoiled()) throw;
      LOG(error) << error.what() << "; going on with a fresh journal";
      ++next_shard_;
      start_journal(trees);
    }
  }
  for (const RolloutTree* tree : trees) add_open_tree(*tree);
  if (open_trees_.size() >= options_.shard_trees) seal();
}

/// A new journal of the open trees and these, on the disk; it takes the place of the one
/// there is. When it throws, that one stays.
void ReplayWriter::start_journal(std::span<const RolloutTree* const> trees) {
  const std::filesystem::path path = folder_ / own_journal(next_shard_);
  REQUIRE(!std::filesystem::exists(path), kBadFile,
          path.string() << " is there already (expected no file of that name)");
  std::optional<Journal> old;
  try {
    Journal fresh = Journal::create(path, metadata_.job_digest, metadata_.seed);
    for (const RolloutTree& tree : open_trees_) fresh.append(core::to_bytes(tree));
    for (const RolloutTree* tree : trees) fresh.append(core::to_bytes(*tree));
    fresh.sync();
    std::swap(journal_, old);
    journal_.emplace(std::move(fresh));
  } catch (const core::Error&) {
    // Nothing in it is acknowledged. What cannot be removed is read at the next start.
    file_layer().unlink(path.c_str());
    ++next_shard_;
    throw;
  }
  if (!old) return;
  ++num_journals_replaced_;
  try {
    remove_file(old->path());
  } catch (const core::Error& error) {
    LOG(warn) << error.what() << "; its trees are in " << path.string() << " as well";
  }
}

void ReplayWriter::seal() {
  if (open_trees_.empty()) return;
  const ManifestLock guard(folder_);
  leave_out_sealed_elsewhere(manifest_->refresh());
  std::sort(
      open_trees_.begin(), open_trees_.end(),
      [](const RolloutTree& a, const RolloutTree& b) { return key_of(a) < key_of(b); });
  uint32_t row = 0;
  for (const RolloutTree& tree : open_trees_) places_[key_of(tree)].row = row++;
  if (!open_trees_.empty()) {
    ReplayShard shard;
    shard.metadata = metadata_;
    shard.number = next_shard_;
    shard.writer = options_.writer;
    shard.trees = std::move(open_trees_);
    try {
      publish(shard);
    } catch (const core::Error&) {
      open_trees_ = std::move(shard.trees);
      throw;
    }
    open_trees_.clear();
  }
  ++next_shard_;
  const std::filesystem::path journal = journal_->path();
  journal_.reset();
  remove_file(journal);
  retire_old_shards();
}

/// Another writer may have sealed a tree of our journal since we accepted it.
void ReplayWriter::leave_out_sealed_elsewhere(size_t first_entry) {
  for (size_t i = first_entry; i < manifest_->entries().size(); ++i) {
    uint32_t row = 0;
    for (const TreeKey& key : manifest_->entries()[i].keys) {
      const auto [at, is_new] = places_.try_emplace(key, Place{i, row});
      if (!is_new && at->second.entry == kOpen) {
        at->second = {i, row};
        ++num_repeated_;
      }
      ++row;
    }
  }
  std::erase_if(open_trees_, [&](const RolloutTree& tree) {
    return places_.at(key_of(tree)).entry != kOpen;
  });
}

void ReplayWriter::publish(ReplayShard& shard) {
  const std::string name = shard_name(shard.number, shard.writer);
  const FileMark mark = write_shard(folder_ / name, shard, options_.compression);
  manifest_->append(entry_of(shard, mark));
  const auto& entries = manifest_->entries();
  size_t entry = entries.size() - 1;
  while (entries[entry].name() != name) --entry;
  uint32_t row = 0;
  for (const RolloutTree& tree : shard.trees) places_[key_of(tree)] = {entry, row++};
}

/// The manifest first: a shard that is gone without a line would count as lost.
void ReplayWriter::retire_old_shards() {
  if (options_.keep_steps == 0 || places_.empty()) return;
  const uint64_t newest = places_.rbegin()->first.step;
  std::vector<std::string> old;
  for (const ManifestEntry& entry : manifest_->entries()) {
    const bool is_old = uint64_t{entry.last_step} + options_.keep_steps <= newest;
    if (entry.state == ShardState::kLive && is_old) old.push_back(entry.name());
  }
  for (const std::string& name : old) {
    manifest_->retire(name);
    remove_file(folder_ / name);
  }
  if (!old.empty()) cached_entry_.reset();
}

void ReplayWriter::drop(const TreeKey& key, const std::string& reason) {
  const ManifestLock guard(folder_);
  take_entries(manifest_->refresh());
  manifest_->drop({key, reason});
}

void ReplayWriter::quarantine_shard(const std::string& name, const std::string& reason) {
  damaged_.push_back({name, reason});
  move_to_quarantine(folder_ / name, reason);
  manifest_->quarantine(name, reason);
}

void ReplayWriter::forget_trees_of(size_t entry) {
  std::erase_if(places_, [&](const auto& place) { return place.second.entry == entry; });
}

const RolloutTree* ReplayWriter::find(const TreeKey& key) {
  const auto at = places_.find(key);
  if (at == places_.end()) return nullptr;
  const auto [entry, row] = at->second;
  if (entry == kOpen) return &open_trees_[row];
  const ManifestEntry& listed = manifest_->entries()[entry];
  if (listed.state != ShardState::kLive) return nullptr;
  const std::string name = listed.name();
  if (cached_entry_ != entry) {
    cached_entry_.reset();
    try {
      cached_ = read_shard(folder_ / name);
      cached_entry_ = entry;
    } catch (const core::Error& error) {
      const ManifestLock guard(folder_);
      take_entries(manifest_->refresh());
      quarantine_shard(name, error.what());
      forget_trees_of(entry);
      return nullptr;
    }
  }
  REQUIRE(row < cached_.trees.size() && key_of(cached_.trees[row]) == key, kBadFile,
          (folder_ / name).string() << " does not hold tree " << key.to_string()
                                    << " as row " << row << " (its manifest says so)");
  return &cached_.trees[row];
}

std::vector<TreeKey> ReplayWriter::accepted() const {
  std::vector<TreeKey> keys;
  for (const auto& [key, place] : places_) keys.push_back(key);
  return keys;
}

}  // namespace srpo::storage
