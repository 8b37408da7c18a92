#include "analysis/run_collector.h"

#include <algorithm>
#include <cmath>

namespace srpo::analysis {
namespace {

using records::Use;

void add_chain(StepTotals& totals, const ChainDigest& chain) {
  ++totals.trajectories;
  ++totals.verdicts[static_cast<size_t>(chain.verdict)];
  ++totals.finishes[static_cast<size_t>(chain.finish)];
  totals.thoughts.add(chain.num_thoughts);
  totals.length.add(chain.tokens - chain.kept_tokens);
  totals.decoded_tokens += chain.decoded_tokens;
  totals.prefilled_tokens += chain.prefilled_tokens;
}

std::vector<double> rewards_of(const std::vector<ChainDigest>& chains, Use use) {
  std::vector<double> rewards;
  for (const ChainDigest& chain : chains) {
    if (chain.use == use) rewards.push_back(chain.reward);
  }
  return rewards;
}

void add_reset(StepTotals& totals, const TreeDigest& tree) {
  const records::Localization& place = *tree.localization;
  ++totals.resets;
  totals.unclear_replies += place.status == records::ParseStatus::kDefault ? 1 : 0;
  totals.decoded_tokens += place.reply_tokens;
  const ChainDigest* seed = tree.seed();
  if (seed != nullptr && seed->tokens > 0 && !tree.suffixes.empty())
    totals.kept.add(static_cast<double>(tree.suffixes.front().kept_tokens) /
                    seed->tokens);
  const size_t row = std::min<size_t>(std::max(place.thought, 1U), kMostThoughts);
  if (totals.chosen.size() < row) totals.chosen.resize(row);
  ResetCell& cell = totals.chosen[row - 1];
  const double gain = tree.reset_gain().value_or(0);
  ++cell.count;
  cell.gain += gain;
  totals.gain.add(gain);
}

template <class Numbers>
void add_each(Numbers& to, const Numbers& from) {
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

}  // namespace

void Moments::add(double value) {
  ++count_;
  sum_ += value;
  squares_ += value * value;
}

void Moments::merge(const Moments& other) {
  count_ += other.count_;
  sum_ += other.sum_;
  squares_ += other.squares_;
}

std::optional<double> Moments::mean() const {
  if (count_ == 0) return std::nullopt;
  return sum_ / static_cast<double>(count_);
}

std::optional<double> Moments::half_width() const {
  if (count_ < 2) return std::nullopt;
  const auto n = static_cast<double>(count_);
  const double variance = std::max(0.0, (squares_ - sum_ * sum_ / n) / (n - 1));
  return 1.959964 * std::sqrt(variance / n);
}

void StepTotals::add(const TreeDigest& tree) {
  ++trees;
  for (const ChainDigest& chain : tree.fresh) add_chain(*this, chain);
  for (const ChainDigest& chain : tree.suffixes) add_chain(*this, chain);
  const std::vector<double> fresh = rewards_of(tree.fresh, Use::kBase);
  const std::vector<double> endings = rewards_of(tree.suffixes, Use::kSuffix);
  if (!fresh.empty()) {
    base.add(*analysis::mean(fresh));
    flat_groups.add(is_flat(fresh));
  }
  if (!endings.empty()) {
    suffix.add(*analysis::mean(endings));
    flat_groups.add(is_flat(endings));
  }
  if (tree.localization) add_reset(*this, tree);
}

void StepTotals::merge(const StepTotals& other) {
  trees += other.trees;
  trajectories += other.trajectories;
  base.merge(other.base);
  suffix.merge(other.suffix);
  gain.merge(other.gain);
  flat_groups.merge(other.flat_groups);
  thoughts.merge(other.thoughts);
  length.merge(other.length);
  kept.merge(other.kept);
  resets += other.resets;
  unclear_replies += other.unclear_replies;
  decoded_tokens += other.decoded_tokens;
  prefilled_tokens += other.prefilled_tokens;
  add_each(verdicts, other.verdicts);
  add_each(finishes, other.finishes);
  if (chosen.size() < other.chosen.size()) chosen.resize(other.chosen.size());
  for (size_t i = 0; i < other.chosen.size(); ++i) {
    chosen[i].count += other.chosen[i].count;
    chosen[i].gain += other.chosen[i].gain;
  }
}

RunCollector::RunCollector(const CollectorLimits& limits)
    : limits_(limits), sample_(limits.trees_per_outcome, limits.newest_trees) {}

void RunCollector::add(TreeDigest tree) {
  ++num_trees_;
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    num_trajectories_ += chains->size();
    for (const ChainDigest& chain : *chains) {
      GeneratorTotals& generator = generators_[chain.generator];
      ++generator.trajectories;
      generator.tokens += chain.decoded_tokens;
      generator.seconds += chain.seconds;
      if (tree.validation) validation_[chain.policy_version].add(chain.reward >= 1);
    }
  }
  if (!tree.validation) steps_[tree.step].add(tree);
  sample_.add(std::move(tree));
}

void RunCollector::add_metrics(int64_t step,
                               const std::map<std::string, double>& values) {
  auto& row = metrics_[step];
  for (const auto& [name, value] : values) row.insert_or_assign(name, value);
}

/// Neighbouring steps together, so that there are at most `most` bins of `width` steps.
std::vector<std::pair<uint32_t, StepTotals>> RunCollector::binned(size_t most,
                                                                  uint32_t* width) const {
  *width = 1;
  std::vector<std::pair<uint32_t, StepTotals>> bins;
  if (steps_.empty()) return bins;
  const uint64_t span = uint64_t{steps_.rbegin()->first} - steps_.begin()->first + 1;
  *width = static_cast<uint32_t>((span + most - 1) / most);
  for (const auto& [step, totals] : steps_) {
    const uint32_t first = step / *width * *width;
    if (bins.empty() || bins.back().first != first)
      bins.emplace_back(first, StepTotals{});
    bins.back().second.merge(totals);
  }
  return bins;
}

}  // namespace srpo::analysis
