#include "analysis/reward_report.h"

#include <cmath>

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

constexpr size_t kMostNames = 256;

bool is_trained(const Trajectory& chain) {
  return chain.use == Use::kBase || chain.use == Use::kSuffix;
}

/// 0, (0, 0.1] ... (0.9, 1), 1
size_t reward_bin(double reward) {
  if (reward <= 0) return 0;
  if (reward >= 1) return 11;
  return static_cast<size_t>(std::ceil(reward * 10 - 1e-9));
}

std::string bin_name(size_t bin) {
  if (bin == 0) return "0";
  if (bin == 11) return "1";
  const auto tenth = [](size_t n) {
    return n == 10 ? std::string("1") : "0." + std::to_string(n);
  };
  return tenth(bin - 1) + " .. " + tenth(bin);
}

/// The row of a name; of "(others)" when there are too many.
RewardRow& row_of(std::map<std::string, RewardRow>& rows, const std::string& name) {
  const auto found = rows.find(name);
  if (found != rows.end()) return found->second;
  return rows[rows.size() < kMostNames ? name : "(others)"];
}

std::vector<std::string> row_columns(const std::string& first) {
  return {first,     "trees",     "base",      "suffix", "seed",       "surplus",
          "correct", "all_right", "all_wrong", "mixed",  "validation", "validated"};
}

std::vector<Cell> cells_of(const Cell& name, const RewardRow& row) {
  std::optional<double> mixed;
  if (row.all_right.total > 0)
    mixed = 1 - *row.all_right.share() - *row.all_wrong.share();
  return {name,
          row.all_right.total,
          cell(row.base.value()),
          cell(row.suffix.value()),
          cell(row.seed.value()),
          cell(row.surplus.value()),
          cell(row.correct.share()),
          cell(row.all_right.share()),
          cell(row.all_wrong.share()),
          cell(mixed),
          cell(row.validation.value()),
          row.validation.count()};
}

Table distribution_table(const RewardReport& report) {
  Table table("distribution",
              {"reward", "base", "share_of_base", "suffix", "share_of_suffix"});
  Proportion base;
  Proportion suffix;
  for (const uint64_t count : report.base_rewards) base.total += count;
  for (const uint64_t count : report.suffix_rewards) suffix.total += count;
  for (size_t bin = 0; bin < report.base_rewards.size(); ++bin) {
    base.successes = report.base_rewards[bin];
    suffix.successes = report.suffix_rewards[bin];
    if (base.successes + suffix.successes == 0) continue;
    table.add_row({bin_name(bin), base.successes, cell(base.share()), suffix.successes,
                   cell(suffix.share())});
  }
  return table;
}

}  // namespace

void RewardRow::add(const RolloutTree& tree) {
  uint64_t trained = 0;
  uint64_t right = 0;
  uint64_t wrong = 0;
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (const Trajectory& chain : *chains) {
      const double reward = chain.verdict.reward;
      if (chain.use == Use::kBase) base.add(reward);
      if (chain.use == Use::kSuffix) suffix.add(reward);
      if (chain.use == Use::kSeed) seed.add(reward);
      if (chain.use == Use::kSurplus) surplus.add(reward);
      if (chain.use == Use::kValidation) validation.add(reward);
      if (!is_trained(chain)) continue;
      ++trained;
      right += reward >= 1 ? 1 : 0;
      wrong += reward <= 0 ? 1 : 0;
      correct.add(reward >= 1);
    }
  }
  if (trained == 0) return;
  all_right.add(right == trained);
  all_wrong.add(wrong == trained);
}

void RewardReport::add(const RolloutTree& tree) {
  total.add(tree);
  steps[tree.step].add(tree);
  row_of(kinds, tree.problem.kind).add(tree);
  row_of(sources, source_of(tree.problem.id)).add(tree);
  for (const Trajectory& chain : tree.fresh) {
    if (chain.use == Use::kBase) ++base_rewards[reward_bin(chain.verdict.reward)];
  }
  for (const Trajectory& chain : tree.suffixes) {
    if (chain.use == Use::kSuffix) ++suffix_rewards[reward_bin(chain.verdict.reward)];
  }
}

std::string source_of(const std::string& problem_id) {
  const size_t end = problem_id.find_last_of("/:");
  return end == std::string::npos || end == 0 ? problem_id : problem_id.substr(0, end);
}

std::vector<Table> reward_tables(const RewardReport& report, bool per_step) {
  Table rewards("rewards", row_columns("of"));
  rewards.add_row(cells_of(std::string("all"), report.total));
  for (const auto& [kind, row] : report.kinds)
    rewards.add_row(cells_of("kind " + kind, row));
  for (const auto& [source, row] : report.sources)
    rewards.add_row(cells_of("source " + source, row));
  std::vector<Table> tables = {std::move(rewards), distribution_table(report)};
  if (!per_step) return tables;
  Table steps("steps", row_columns("step"));
  for (const auto& [step, row] : report.steps)
    steps.add_row(cells_of(static_cast<uint64_t>(step), row));
  tables.push_back(std::move(steps));
  return tables;
}

std::vector<Series> reward_curves(const RewardReport& report) {
  Series validation = {"validation", "#1f5fa8", false, {}};
  Series base = {"base groups", "#d9822b", false, {}};
  Series suffix = {"suffix groups", "#2e8b57", false, {}};
  for (const auto& [step, row] : report.steps) {
    const auto add = [x = static_cast<double>(step)](Series& series, const Mean& mean) {
      if (mean.count() > 0) series.points.push_back({x, *mean.value(), 0, 0});
    };
    add(validation, row.validation);
    add(base, row.base);
    add(suffix, row.suffix);
  }
  std::vector<Series> series;
  for (Series* line : {&validation, &base, &suffix}) {
    if (!line->points.empty()) series.push_back(std::move(*line));
  }
  return series;
}

}  // namespace srpo::analysis
