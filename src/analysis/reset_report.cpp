#include "analysis/reset_report.h"

#include <algorithm>

#include "analysis/bar_svg.h"
#include "analysis/run_scan.h"
#include "analysis/svg_page.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;

std::optional<double> kept_fraction(const RolloutTree& tree) {
  const Trajectory* seed = tree.seed();
  if (seed == nullptr || seed->tokens.empty()) return std::nullopt;
  return static_cast<double>(tree.prefix_length) /
         static_cast<double>(seed->tokens.size());
}

std::optional<double> position_of(const RolloutTree& tree) {
  if (!tree.localization || tree.localization->num_thoughts == 0) return std::nullopt;
  return static_cast<double>(tree.localization->thought) /
         static_cast<double>(tree.localization->num_thoughts);
}

bool has_success(const std::vector<double>& rewards) {
  return std::any_of(rewards.begin(), rewards.end(),
                     [](double reward) { return reward >= 1; });
}

void add_rewards(ResetRow& row, const std::vector<double>& base,
                 const std::vector<double>& suffix) {
  for (const double reward : base) row.base.add(reward);
  for (const double reward : suffix) row.suffix.add(reward);
  if (suffix.empty()) return;
  row.flat_suffix_wrong.add(std::all_of(suffix.begin(), suffix.end(),
                                        [](double reward) { return reward <= 0; }));
  if (base.empty()) return;
  row.gain.add(*mean(suffix) - *mean(base));
  const bool in_base = has_success(base);
  const bool in_suffix = has_success(suffix);
  row.any_base.add(in_base);
  row.any_suffix.add(in_suffix);
  row.any.add(in_base || in_suffix);
  if (!in_base) row.rescued.add(in_suffix);
}

/// A share with its Wilson interval.
void add_share(Table& table, const std::string& name, const Proportion& share) {
  const Interval interval = share.interval();
  table.add_row({name, cell(share.share()), share.total == 0 ? Cell() : interval.low,
                 share.total == 0 ? Cell() : interval.high, share.total});
}

void add_mean(Table& table, const std::string& name, const Mean& mean) {
  table.add_row({name, cell(mean.value()), Cell(), Cell(), mean.count()});
}

Table measures(const ResetRow& row) {
  Table table("resets", {"measure", "value", "low_95", "high_95", "of"});
  add_share(table, "resets/share_of_trees", {row.resets, row.trees});
  add_mean(table, "draws_per_tree", row.draws);
  add_mean(table, "chosen_thought", row.thought);
  add_mean(table, "position", row.position);
  add_share(table, "from_start", row.from_start);
  add_mean(table, "kept_fraction", row.kept);
  add_mean(table, "reward/base", row.base);
  add_mean(table, "reward/suffix", row.suffix);
  const auto interval = row.gain.interval();
  table.add_row({"gain", cell(row.gain.mean()), interval ? Cell(interval->low) : Cell(),
                 interval ? Cell(interval->high) : Cell(), row.gain.count()});
  add_share(table, "zero_variance/base_groups", row.flat_base);
  add_share(table, "zero_variance/suffix_groups", row.flat_suffix);
  add_share(table, "zero_variance/suffix_groups_all_wrong", row.flat_suffix_wrong);
  add_share(table, "success/in_base", row.any_base);
  add_share(table, "success/in_suffix", row.any_suffix);
  add_share(table, "success/in_either", row.any);
  add_share(table, "success/rescued", row.rescued);
  return table;
}

Table position_table(const Histogram& positions) {
  Table table("positions", {"from", "to", "resets", "share", "density"});
  for (size_t bin = 0; bin < positions.size(); ++bin) {
    const Proportion share = {positions.count(bin), positions.total()};
    const double width = positions.edge(bin + 1) - positions.edge(bin);
    const auto value = share.share();
    table.add_row({positions.edge(bin), positions.edge(bin + 1), share.successes,
                   cell(value), value ? Cell(*value / width) : Cell()});
  }
  return table;
}

Table thought_table(const std::vector<uint64_t>& thoughts) {
  Table table("thoughts", {"thought", "resets", "share"});
  uint64_t total = 0;
  for (const uint64_t count : thoughts) total += count;
  for (size_t i = 0; i < thoughts.size(); ++i) {
    if (thoughts[i] == 0) continue;
    const std::string name =
        i + 1 < thoughts.size() ? std::to_string(i + 1) : "over " + std::to_string(i);
    table.add_row({name, thoughts[i], cell(Proportion{thoughts[i], total}.share())});
  }
  return table;
}

/// The control for depth: endings from an early place have more of the chain to
/// themselves.
Table kept_table(const std::array<ResetRow, 10>& rows) {
  Table table("by_kept_fraction",
              {"from", "to", "resets", "base", "suffix", "gain", "gain_low_95",
               "gain_high_95", "any_suffix", "zero_variance"});
  for (size_t i = 0; i < rows.size(); ++i) {
    const ResetRow& row = rows[i];
    if (row.resets == 0) continue;
    const auto interval = row.gain.interval();
    table.add_row({static_cast<double>(i) / 10, static_cast<double>(i + 1) / 10,
                   row.resets, cell(row.base.value()), cell(row.suffix.value()),
                   cell(row.gain.mean()), interval ? Cell(interval->low) : Cell(),
                   interval ? Cell(interval->high) : Cell(), cell(row.any_suffix.share()),
                   cell(row.flat_suffix.share())});
  }
  return table;
}

Table step_table(const std::map<uint32_t, ResetRow>& steps) {
  Table table("steps",
              {"step", "trees", "resets", "draws", "thought", "position", "kept", "base",
               "suffix", "gain", "flat_base", "flat_suffix", "any_suffix", "rescued"});
  for (const auto& [step, row] : steps) {
    if (row.trees == 0) continue;
    table.add_row(
        {static_cast<uint64_t>(step), row.trees, row.resets, cell(row.draws.value()),
         cell(row.thought.value()), cell(row.position.value()), cell(row.kept.value()),
         cell(row.base.value()), cell(row.suffix.value()), cell(row.gain.mean()),
         cell(row.flat_base.share()), cell(row.flat_suffix.share()),
         cell(row.any_suffix.share()), cell(row.rescued.share())});
  }
  return table;
}

}  // namespace

void ResetRow::add(const RolloutTree& tree) {
  if (tree.validation) return;
  ++trees;
  draws.add(static_cast<double>(tree.fresh.size()));
  const std::vector<double> base_group = base_rewards(tree);
  const std::vector<double> suffix_group = suffix_rewards(tree);
  if (!base_group.empty()) flat_base.add(is_flat(base_group));
  if (!suffix_group.empty()) flat_suffix.add(is_flat(suffix_group));
  if (!tree.localization) return;
  ++resets;
  thought.add(tree.localization->thought);
  from_start.add(tree.prefix_length == 0);
  if (const auto value = position_of(tree)) position.add(*value);
  if (const auto value = kept_fraction(tree)) kept.add(*value);
  add_rewards(*this, base_group, suffix_group);
}

void ResetReport::add(const RolloutTree& tree) {
  if (tree.validation) return;
  total.add(tree);
  steps[tree.step].add(tree);
  if (!tree.localization) return;
  if (const auto position = position_of(tree)) positions.add(*position);
  const size_t thought = std::max<size_t>(1, tree.localization->thought);
  ++thoughts[std::min(thought, thoughts.size()) - 1];
  if (const auto kept = kept_fraction(tree))
    by_kept[Histogram(0, 1, by_kept.size()).bin_of(*kept)].add(tree);
}

std::vector<Table> reset_tables(const ResetReport& report, bool per_step) {
  std::vector<Table> tables = {measures(report.total), position_table(report.positions),
                               thought_table(report.thoughts),
                               kept_table(report.by_kept)};
  if (per_step) tables.push_back(step_table(report.steps));
  return tables;
}

std::string reset_svg(const ResetReport& report, const std::string& name) {
  BarChart chart;
  chart.title = "Where resets went back to: " + name;
  chart.x = "chosen thought / thoughts of the failed chain";
  chart.y = "density";
  chart.level = 1;
  const uint64_t total = report.positions.total();
  chart.subtitle = std::to_string(total) + " resets; dashed: all places alike";
  for (size_t bin = 0; total > 0 && bin < report.positions.size(); ++bin) {
    const Interval share = wilson_interval(report.positions.count(bin), total);
    const auto bins = static_cast<double>(report.positions.size());
    chart.bars.push_back({decimal(report.positions.edge(bin), 2),
                          static_cast<double>(report.positions.count(bin)) * bins /
                              static_cast<double>(total),
                          Interval{share.low * bins, share.high * bins}});
  }
  return bar_svg(chart);
}

}  // namespace srpo::analysis
