#include "analysis/run_scan.h"

#include <algorithm>

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

std::vector<double> rewards_of(const std::vector<Trajectory>& chains, Use use) {
  std::vector<double> rewards;
  for (const Trajectory& chain : chains) {
    if (chain.use == use) rewards.push_back(chain.verdict.reward);
  }
  return rewards;
}

template <class Numbers>
void add_each(Numbers& to, const Numbers& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void add_training_chain(Tally& tally, const Trajectory& chain) {
  ++tally.finishes[static_cast<size_t>(chain.finish)];
  ++tally.verdicts[static_cast<size_t>(chain.verdict.kind)];
  tally.thoughts.add(static_cast<double>(chain.thought_ends.size()));
  const uint64_t sampled = chain.tokens.size() - chain.prefix_length;
  tally.sampled_length.add(static_cast<double>(sampled));
  tally.max_sampled_length = std::max(tally.max_sampled_length, sampled);
  if (chain.use == Use::kBase) tally.base_reward.add(chain.verdict.reward);
  if (chain.use == Use::kSuffix) tally.suffix_reward.add(chain.verdict.reward);
}

void add_chain(Tally& tally, const Trajectory& chain, bool validation) {
  ++tally.uses[static_cast<size_t>(chain.use)];
  tally.decoded_tokens += chain.decoded_tokens;
  tally.prefilled_tokens += chain.prefilled_tokens;
  if (validation) {
    tally.validation[chain.policy_version].add(chain.verdict.reward >= 1);
  } else {
    add_training_chain(tally, chain);
  }
}

void add_reset(Tally& tally, const RolloutTree& tree) {
  ++tally.parse_statuses[static_cast<size_t>(tree.localization->status)];
  tally.chosen_thought.add(tree.localization->thought);
  tally.localization_tokens += tree.localization->reply_tokens;
  for (const records::Localization& each : tree.further) {
    ++tally.parse_statuses[static_cast<size_t>(each.status)];
    tally.chosen_thought.add(each.thought);
    tally.localization_tokens += each.reply_tokens;
  }
  const Trajectory* seed = tree.seed();
  if (seed != nullptr && !seed->tokens.empty()) {
    tally.kept_fraction.add(static_cast<double>(tree.prefix_length) /
                            static_cast<double>(seed->tokens.size()));
  }
  const auto base = mean(base_rewards(tree));
  const auto suffix = mean(suffix_rewards(tree));
  if (base && suffix) tally.reset_gain.add(*suffix - *base);
}

}  // namespace

std::vector<double> base_rewards(const RolloutTree& tree) {
  return rewards_of(tree.fresh, Use::kBase);
}
std::vector<double> suffix_rewards(const RolloutTree& tree) {
  return rewards_of(tree.suffixes, Use::kSuffix);
}

void Tally::add(const RolloutTree& tree) {
  ++(tree.validation ? validation_trees : training_trees);
  for (const Trajectory& chain : tree.fresh) add_chain(*this, chain, tree.validation);
  for (const Trajectory& chain : tree.suffixes) add_chain(*this, chain, tree.validation);
  if (tree.validation) return;
  if (tree.localization) add_reset(*this, tree);
  const std::vector<double> base = base_rewards(tree);
  const std::vector<double> suffix = suffix_rewards(tree);
  if (!base.empty()) flat_base_groups.add(is_flat(base));
  if (!suffix.empty()) flat_suffix_groups.add(is_flat(suffix));
}

void Tally::merge(const Tally& other) {
  training_trees += other.training_trees;
  validation_trees += other.validation_trees;
  add_each(uses, other.uses);
  add_each(finishes, other.finishes);
  add_each(verdicts, other.verdicts);
  add_each(parse_statuses, other.parse_statuses);
  for (const auto& [version, proportion] : other.validation)
    validation[version].merge(proportion);
  base_reward.merge(other.base_reward);
  suffix_reward.merge(other.suffix_reward);
  reset_gain.merge(other.reset_gain);
  flat_base_groups.merge(other.flat_base_groups);
  flat_suffix_groups.merge(other.flat_suffix_groups);
  thoughts.merge(other.thoughts);
  chosen_thought.merge(other.chosen_thought);
  kept_fraction.merge(other.kept_fraction);
  sampled_length.merge(other.sampled_length);
  max_sampled_length = std::max(max_sampled_length, other.max_sampled_length);
  decoded_tokens += other.decoded_tokens;
  prefilled_tokens += other.prefilled_tokens;
  localization_tokens += other.localization_tokens;
}

uint64_t Tally::resets() const {
  uint64_t sum = 0;
  for (const uint64_t count : parse_statuses) sum += count;
  return sum;
}

uint64_t Tally::training_trajectories() const {
  uint64_t sum = 0;
  for (const uint64_t count : finishes) sum += count;
  return sum;
}

Tally RunScan::total() const {
  Tally total;
  for (const auto& [step, tally] : steps) total.merge(tally);
  return total;
}

RunScan scan_run(const std::filesystem::path& run, const TreeVisitor& visit) {
  RunScan scan;
  scan.replay = replay_folder_of(run);
  storage::ReplayReader reader(scan.replay);
  while (const auto tree = reader.next()) {
    if (visit) visit(*tree, reader);
    scan.steps[tree->step].add(*tree);
    if (!tree->validation) scan.training_slots[tree->step].insert(tree->slot);
  }
  scan.damaged = reader.damaged();
  scan.job_digest = reader.job_digest();
  scan.metadata = reader.metadata();
  scan.num_lost_records = reader.num_lost_records();
  scan.num_retired = reader.num_retired_trees();
  scan.num_dropped = reader.dropped().size();
  scan.num_lost_trees = reader.num_lost_trees();
  scan.num_repeated = reader.num_repeated();
  scan.num_from_journal = reader.num_from_journal();
  scan.num_shards = reader.num_listed_shards();
  return scan;
}

}  // namespace srpo::analysis
