#include "storage/replay_writer.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/archive.h"
#include "core/error.h"
#include "core/files.h"
#include "core/log.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

const std::filesystem::path& made_folder(const std::filesystem::path& folder) {
  make_folder(folder);
  return folder;
}

/// The numbers of files named `<before>NNNNNN<after>`, sorted.
std::vector<uint32_t> numbers_of(const std::filesystem::path& folder,
                                 std::string (*name_of)(uint32_t)) {
  std::vector<uint32_t> numbers;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const size_t digits = name.find_first_of("0123456789");
    if (digits == std::string::npos) continue;
    const auto number =
        static_cast<uint32_t>(std::strtoul(name.c_str() + digits, nullptr, 10));
    if (name == name_of(number)) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

ReplayWriter::ReplayWriter(const std::filesystem::path& folder,
                           const ReplayOptions& options, ReplayMetadata metadata)
    : folder_(folder),
      options_(options),
      metadata_(std::move(metadata)),
      lock_(made_folder(folder)) {
  REQUIRE(options_.shard_trees >= 1 && options_.shard_trees <= 1000000, kBadConfig,
          "replay.shard_trees=" << options_.shard_trees << " (expected 1..1000000)");
  remove_drafts();
  manifest_.emplace(folder_ / kManifestName);
  take_listed_shards();
  take_unlisted_shards();
  take_journals();
}

void ReplayWriter::remove_drafts() {
  std::vector<std::filesystem::path> drafts;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (name.find(kDraftMark) != std::string::npos || name.ends_with(".tmp"))
      drafts.push_back(entry.path());
  }
  for (const auto& draft : drafts) remove_file(draft);
}

void ReplayWriter::take_listed_shards() {
  for (const ManifestEntry& entry : manifest_->entries()) {
    next_shard_ = std::max(next_shard_, entry.number + 1);
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(folder_ / entry.name(), error);
    if (error || bytes != entry.mark.bytes) {
      const std::string found =
          error ? "is missing" : "has " + std::to_string(bytes) + " bytes";
      damaged_.push_back(
          {entry.name(),
           found + " (expected " + std::to_string(entry.mark.bytes) + " bytes)"});
      LOG(error) << "replay shard " << (folder_ / entry.name()).string() << " "
                 << damaged_.back().reason << " trees=" << entry.keys.size();
      continue;
    }
    uint32_t row = 0;
    for (const TreeKey& key : entry.keys)
      places_.emplace(key, Place{entry.number, row++});
  }
}

void ReplayWriter::take_unlisted_shards() {
  for (const uint32_t number : numbers_of(folder_, shard_name)) {
    if (manifest_->find(number) != nullptr) continue;
    const std::filesystem::path path = folder_ / shard_name(number);
    ReplayShard shard;
    FileMark mark;
    try {
      const std::string content = core::read_file(path);
      const auto bytes = std::as_bytes(std::span(content));
      shard = decode_shard(bytes, path.string());
      mark = mark_of(bytes);
    } catch (const core::Error& error) {
      quarantine(path, error.what());
      continue;
    }
    REQUIRE(shard.metadata.job_digest == metadata_.job_digest, kBadFile,
            path.string() << " belongs to another run: its job has digest "
                          << shard.metadata.job_digest << " (expected "
                          << metadata_.job_digest << ")");
    list_shard(number, mark, shard.trees);
  }
}

void ReplayWriter::take_journals() {
  std::vector<uint32_t> open;
  for (const uint32_t number : numbers_of(folder_, journal_name)) {
    const std::string shard = shard_name(number);
    const auto lies_in = [&](const DamagedFile& file) { return file.name == shard; };
    if (manifest_->find(number) == nullptr) {
      open.push_back(number);
    } else if (std::any_of(damaged_.begin(), damaged_.end(), lies_in)) {
      quarantine(folder_ / journal_name(number), "journal of the damaged " + shard);
    } else {
      remove_file(folder_ / journal_name(number));  // a listed shard needs it no more
    }
  }
  if (open.empty()) return;
  REQUIRE(open.size() == 1 && open.front() >= next_shard_, kBadFile,
          folder_.string() << " has journals of " << open.size()
                           << " unsealed shards, the first " << open.front()
                           << " (expected one, and not before shard " << next_shard_
                           << ")");
  next_shard_ = open.front();
  open_journal();
  JournalReader reader(journal_->path());
  while (const auto record = reader.next()) {
    RolloutTree tree = tree_of(*record, journal_->path().string());
    if (!contains(key_of(tree))) add_open_tree(std::move(tree));
  }
}

void ReplayWriter::open_journal() {
  const std::filesystem::path path = folder_ / journal_name(next_shard_);
  journal_.emplace(Journal::open(path, metadata_.job_digest));
  if (journal_->torn_bytes() > 0) {
    LOG(warn) << "journal " << path.string()
              << " ended within a record: torn_bytes=" << journal_->torn_bytes()
              << " were never accepted and are cut off";
  }
}

void ReplayWriter::add_open_tree(RolloutTree tree) {
  places_.emplace(key_of(tree),
                  Place{next_shard_, static_cast<uint32_t>(open_trees_.size())});
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
  if (!journal_) open_journal();
  for (const RolloutTree* tree : trees) journal_->append(core::to_bytes(*tree));
  journal_->sync();
  for (const RolloutTree* tree : trees) add_open_tree(*tree);
  if (open_trees_.size() >= options_.shard_trees) seal();
}

void ReplayWriter::seal() {
  if (open_trees_.empty()) return;
  const auto by_key = [](const RolloutTree& a, const RolloutTree& b) {
    return key_of(a) < key_of(b);
  };
  std::sort(open_trees_.begin(), open_trees_.end(), by_key);
  uint32_t row = 0;
  for (const RolloutTree& tree : open_trees_) places_[key_of(tree)].row = row++;
  ReplayShard shard;
  shard.metadata = metadata_;
  shard.number = next_shard_;
  shard.trees = std::move(open_trees_);
  const std::filesystem::path path = folder_ / shard_name(next_shard_);
  try {
    list_shard(next_shard_, write_shard(path, shard, options_.compression), shard.trees);
  } catch (const core::Error&) {
    open_trees_ = std::move(shard.trees);
    throw;
  }
  open_trees_.clear();
  const std::filesystem::path journal = journal_->path();
  journal_.reset();
  remove_file(journal);
}

void ReplayWriter::list_shard(uint32_t number, const FileMark& mark,
                              const std::vector<RolloutTree>& trees) {
  ManifestEntry entry;
  entry.number = number;
  entry.mark = mark;
  uint32_t row = 0;
  for (const RolloutTree& tree : trees) {
    entry.keys.push_back(key_of(tree));
    places_.insert_or_assign(key_of(tree), Place{number, row++});
  }
  manifest_->append(entry);
  next_shard_ = std::max(next_shard_, number + 1);
}

void ReplayWriter::quarantine(const std::filesystem::path& file,
                              const std::string& reason) {
  const std::filesystem::path folder = folder_ / "quarantine";
  make_folder(folder);
  LOG(error) << reason << "; moved to " << folder.string();
  publish_file(file, folder / file.filename());
  core::sync_folder(folder_);
}

const RolloutTree* ReplayWriter::find(const TreeKey& key) {
  const auto at = places_.find(key);
  if (at == places_.end()) return nullptr;
  const auto [number, row] = at->second;
  const bool is_open = number == next_shard_;
  if (!is_open && cached_number_ != number) {
    cached_number_.reset();
    cached_ = read_shard(folder_ / shard_name(number));
    cached_number_ = number;
  }
  const std::vector<RolloutTree>& trees = is_open ? open_trees_ : cached_.trees;
  REQUIRE(row < trees.size() && key_of(trees[row]) == key, kBadFile,
          (folder_ / shard_name(number)).string()
              << " does not hold tree " << key.to_string() << " as row " << row
              << " (its manifest says so)");
  return &trees[row];
}

std::vector<TreeKey> ReplayWriter::accepted() const {
  std::vector<TreeKey> keys;
  for (const auto& [key, place] : places_) keys.push_back(key);
  return keys;
}

}  // namespace srpo::storage
