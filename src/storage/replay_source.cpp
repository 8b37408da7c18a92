#include "storage/replay_source.h"

#include <utility>

#include "core/error.h"
#include "storage/replay_names.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

bool is_wanted(const ReplayFilter& filter, const Trajectory& chain) {
  if (chain.use == Use::kSurplus && !filter.surplus) return false;
  return chain.verdict.reward >= filter.min_reward;
}

}  // namespace

std::filesystem::path replay_folder_of(const std::filesystem::path& run) {
  if (std::filesystem::is_directory(run / "replay")) return run / "replay";
  REQUIRE(std::filesystem::exists(run / kManifestName), kBadInput,
          run.string() << " is no run folder (expected one with replay/ in it, or a "
                          "replay folder with "
                       << kManifestName << ")");
  return run;
}

ReplaySource::ReplaySource(const std::filesystem::path& run, const ReplayFilter& filter)
    : filter_(filter), reader_(replay_folder_of(run)) {}

std::optional<RolloutTree> ReplaySource::next_tree() {
  while (auto tree = reader_.next()) {
    if (tree->step < filter_.first_step || tree->step > filter_.last_step) continue;
    if (tree->validation && !filter_.validation) continue;
    return tree;
  }
  return std::nullopt;
}

std::optional<RecordedTrajectory> ReplaySource::next_trajectory() {
  while (pending_.empty()) {
    std::optional<RolloutTree> tree = next_tree();
    if (!tree) return std::nullopt;
    for (auto* chains : {&tree->fresh, &tree->suffixes}) {
      for (Trajectory& chain : *chains) {
        if (is_wanted(filter_, chain))
          pending_.push_back({tree->problem, tree->prompt_tokens, std::move(chain)});
      }
    }
  }
  RecordedTrajectory next = std::move(pending_.front());
  pending_.pop_front();
  return next;
}

RecordedSteps::RecordedSteps(const std::filesystem::path& run)
    : folder_(replay_folder_of(run)) {
  KeySet sealed;
  for (const ManifestEntry& entry : read_manifest(folder_ / kManifestName).entries) {
    if (entry.state != ShardState::kLive) continue;
    for (const TreeKey& key : entry.keys) {
      if (key.validation) continue;
      shards_[key.step].insert(entry.name());
      sealed.insert(key);
    }
  }
  for (const auto& file : list_files(folder_, ReplayFileName::Kind::kJournal)) {
    JournalReader journal(folder_ / journal_name(file.number, file.writer));
    const RecordFormat format = {journal.header().version, journal.header().run_seed};
    while (const auto record = journal.next()) {
      RolloutTree tree = tree_of(*record, format, journal.path().string());
      if (tree.validation || sealed.contains(key_of(tree))) continue;
      unsealed_[tree.step].emplace(tree.slot, std::move(tree));
    }
  }
}

std::vector<uint32_t> RecordedSteps::steps() const {
  std::set<uint32_t> steps;
  for (const auto& [step, shards] : shards_) steps.insert(step);
  for (const auto& [step, trees] : unsealed_) steps.insert(step);
  return {steps.begin(), steps.end()};
}

std::vector<RolloutTree> RecordedSteps::of_step(uint32_t step) {
  std::map<uint32_t, RolloutTree> by_slot;
  const auto open = unsealed_.find(step);
  if (open != unsealed_.end()) by_slot = open->second;
  const auto sealed = shards_.find(step);
  if (sealed != shards_.end()) {
    for (const std::string& name : sealed->second) {
      if (cached_name_ != name) {
        cached_ = read_shard(folder_ / name).trees;
        cached_name_ = name;
      }
      for (const RolloutTree& tree : cached_) {
        if (tree.step == step && !tree.validation) by_slot.emplace(tree.slot, tree);
      }
    }
  }
  REQUIRE(!by_slot.empty(), kBadInput,
          folder_.string() << " has no training tree of step " << step);
  std::vector<RolloutTree> trees;
  trees.reserve(by_slot.size());
  for (auto& [slot, tree] : by_slot) trees.push_back(std::move(tree));
  return trees;
}

}  // namespace srpo::storage
