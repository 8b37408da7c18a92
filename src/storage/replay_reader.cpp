#include "storage/replay_reader.h"

#include <algorithm>
#include <iterator>

#include "core/error.h"
#include "core/files.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;

std::vector<std::filesystem::path> journal_paths(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("journal-", 0) == 0 && name.ends_with(".wal"))
      paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

ReplayReader::ReplayReader(const std::filesystem::path& folder) : folder_(folder) {
  REQUIRE(std::filesystem::is_directory(folder_), kBadFile,
          folder_.string() << " is not a folder (expected one with replay shards)");
  // Journals first: whatever a writer seals after this moment is read from the journal,
  // which an open file keeps alive.
  open_journals();
  entries_ = read_manifest(folder_ / kManifestName);
}

void ReplayReader::open_journals() {
  for (const auto& path : journal_paths(folder_)) {
    try {
      journals_.emplace_back(path);
    } catch (const core::Error& error) {
      // A journal that is gone by now has become a shard, which the manifest lists.
      if (std::filesystem::exists(path))
        damaged_.push_back({path.filename().string(), error.what()});
    }
  }
}

void ReplayReader::require_same_run(const std::string& job_digest,
                                    const std::string& file) {
  if (!job_digest_) job_digest_ = job_digest;
  REQUIRE(job_digest == *job_digest_, kBadFile,
          file << " belongs to another run: its job has digest " << job_digest
               << " (expected " << *job_digest_ << ", as the files before it)");
}

void ReplayReader::load_shard(const ManifestEntry& entry) {
  const std::filesystem::path path = folder_ / entry.name();
  try {
    const std::string content = core::read_file(path);
    const auto bytes = std::as_bytes(std::span(content));
    REQUIRE(mark_of(bytes) == entry.mark, kBadFile,
            path.string() << ": " << bytes.size()
                          << " bytes of another content than its manifest lists ("
                          << entry.mark.bytes << " bytes)");
    ReplayShard shard = decode_shard(bytes, path.string());
    require_same_run(shard.metadata.job_digest, path.string());
    std::move(shard.trees.begin(), shard.trees.end(), std::back_inserter(loaded_));
  } catch (const core::Error& error) {
    damaged_.push_back({entry.name(), error.what()});
    num_lost_trees_ += entry.keys.size();
  }
}

std::optional<RolloutTree> ReplayReader::next_of_shards() {
  while (loaded_.empty() && next_entry_ < entries_.size())
    load_shard(entries_[next_entry_++]);
  if (loaded_.empty()) return std::nullopt;
  RolloutTree tree = std::move(loaded_.front());
  loaded_.pop_front();
  return tree;
}

std::optional<RolloutTree> ReplayReader::next_of_journals() {
  for (; next_journal_ < journals_.size(); ++next_journal_) {
    try {
      JournalReader& journal = journals_[next_journal_];
      require_same_run(journal.run_digest(), journal.path().string());
      if (const auto record = journal.next())
        return tree_of(*record, journal.path().string());
    } catch (const core::Error& error) {
      damaged_.push_back(
          {journals_[next_journal_].path().filename().string(), error.what()});
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
    if (seen_.insert(key_of(*tree)).second) {
      num_from_journal_ += from_journal ? 1 : 0;
      return tree;
    }
    // A journal whose shard was sealed in the meantime repeats it by design; shards never
    // do.
    num_repeated_ += from_journal ? 0 : 1;
  }
}

}  // namespace srpo::storage
