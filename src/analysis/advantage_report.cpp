#include "analysis/advantage_report.h"

#include <algorithm>
#include <cmath>

#include "analysis/bar_svg.h"
#include "analysis/svg_page.h"
#include "analysis/training_groups.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;

constexpr size_t kMostCompositions = 1024;

void add_group(AdvantageSide& side, const TrainingGroup& group,
               const RunIdentity& identity) {
  ++side.groups;
  const std::pair<uint64_t, uint64_t> composition = {group.chains.size(),
                                                     group.successes};
  if (side.compositions.size() < kMostCompositions ||
      side.compositions.count(composition) > 0)
    ++side.compositions[composition];
  for (size_t i = 0; i < group.chains.size(); ++i) {
    const double advantage = group.advantages[i];
    side.advantage.add(advantage);
    side.size.add(std::abs(advantage));
    side.zero.add(advantage == 0);
    side.positive.add(advantage > 0);
    side.negative.add(advantage < 0);
    side.places[std::min(i, side.places.size() - 1)].add(advantage);
    if (advantage == 0) continue;
    side.values.add(advantage);
    side.with_length.add(advantage,
                         static_cast<double>(active_tokens(*group.chains[i], identity)));
  }
}

Table side_table(const AdvantageReport& report) {
  Table table("advantages", {"group", "groups", "chains", "mean", "deviation", "absolute",
                             "zero", "positive", "negative", "correlation_with_length"});
  const auto add = [&](const char* name, const AdvantageSide& side) {
    table.add_row({std::string(name), side.groups, side.zero.total,
                   cell(side.advantage.mean()), cell(side.advantage.deviation()),
                   cell(side.size.value()), cell(side.zero.share()),
                   cell(side.positive.share()), cell(side.negative.share()),
                   cell(side.with_length.value())});
  };
  add("base", report.base);
  add("suffix", report.suffix);
  return table;
}

Table group_table(const AdvantageReport& report) {
  Table table("groups", {"group", "chains", "succeed", "groups", "share"});
  const auto add = [&](const char* name, const AdvantageSide& side) {
    for (const auto& [composition, count] : side.compositions) {
      table.add_row({std::string(name), composition.first, composition.second, count,
                     cell(Proportion{count, side.groups}.share())});
    }
  };
  add("base", report.base);
  add("suffix", report.suffix);
  return table;
}

Table value_table(const AdvantageReport& report) {
  Table table("values", {"from", "to", "base", "suffix"});
  const Histogram& base = report.base.values;
  for (size_t bin = 0; bin < base.size(); ++bin) {
    const uint64_t in_suffix = report.suffix.values.count(bin);
    if (base.count(bin) + in_suffix == 0) continue;
    table.add_row({base.edge(bin), base.edge(bin + 1), base.count(bin), in_suffix});
  }
  return table;
}

Table place_table(const AdvantageReport& report) {
  Table table("places", {"place", "base", "base_chains", "suffix", "suffix_chains"});
  for (size_t i = 0; i < report.base.places.size(); ++i) {
    const Moments& base = report.base.places[i];
    const Moments& suffix = report.suffix.places[i];
    if (base.count() + suffix.count() == 0) continue;
    table.add_row({static_cast<uint64_t>(i + 1), cell(base.mean()), base.count(),
                   cell(suffix.mean()), suffix.count()});
  }
  return table;
}

Table step_table(const AdvantageReport& report) {
  Table table("steps",
              {"step", "chains", "mean", "deviation", "zero_base", "zero_suffix"});
  for (const auto& [step, row] : report.steps) {
    table.add_row({static_cast<uint64_t>(step), row.advantage.count(),
                   cell(row.advantage.mean()), cell(row.advantage.deviation()),
                   cell(row.zero_base.share()), cell(row.zero_suffix.share())});
  }
  return table;
}

}  // namespace

void AdvantageReport::add(const RolloutTree& tree) {
  const std::vector<TrainingGroup> groups = training_groups(tree, identity);
  if (groups.empty()) return;
  Step& step = steps[tree.step];
  for (const TrainingGroup& group : groups) {
    add_group(group.is_suffix ? suffix : base, group, identity);
    for (const double advantage : group.advantages) {
      step.advantage.add(advantage);
      (group.is_suffix ? step.zero_suffix : step.zero_base).add(advantage == 0);
    }
  }
}

std::vector<Table> advantage_tables(const AdvantageReport& report, bool per_step) {
  std::vector<Table> tables = {side_table(report), group_table(report),
                               value_table(report), place_table(report)};
  if (per_step) tables.push_back(step_table(report));
  return tables;
}

std::string advantage_svg(const AdvantageReport& report, const std::string& name) {
  BarChart chart;
  chart.title = "Advantages: " + name;
  chart.x = "advantage (from)";
  chart.y = "share of the chains";
  chart.nothing = "No group has a variance.";
  const Histogram& base = report.base.values;
  const uint64_t total = base.total() + report.suffix.values.total();
  chart.subtitle = std::to_string(total) + " chains with an advantage that is not 0";
  for (size_t bin = 0; total > 0 && bin < base.size(); ++bin) {
    const Proportion share = {base.count(bin) + report.suffix.values.count(bin), total};
    chart.bars.push_back({decimal(base.edge(bin), 2), *share.share(), std::nullopt,
                          base.edge(bin) < 0 ? "#b03a2e" : "#2e8b57"});
  }
  return bar_svg(chart);
}

}  // namespace srpo::analysis
