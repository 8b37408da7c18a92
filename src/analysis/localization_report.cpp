#include "analysis/localization_report.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "analysis/bar_svg.h"
#include "analysis/run_scan.h"
#include "analysis/svg_page.h"
#include "analysis/trajectory_tree.h"

namespace srpo::analysis {
namespace {

using records::Localization;
using records::ParseStatus;
using records::RolloutTree;

constexpr size_t kMostLocalizers = 64;

uint64_t words_in(const std::string& text) {
  std::istringstream stream(text);
  uint64_t words = 0;
  for (std::string word; stream >> word;) ++words;
  return words;
}

/// Thoughts before the 1-based `thought` that have at least so many words.
int64_t steps_before(const std::vector<std::string>& thoughts, uint32_t thought,
                     uint32_t min_words) {
  int64_t steps = 0;
  for (size_t i = 0; i + 1 < thought && i < thoughts.size(); ++i)
    steps += words_in(thoughts[i]) >= min_words ? 1 : 0;
  return steps;
}

/// How many steps behind the first wrong thought the named one lies.
int64_t deviation_of(const RolloutTree& tree, uint32_t wrong, uint32_t min_words) {
  const uint32_t named = tree.localization->thought;
  if (min_words > 0 && tree.seed() != nullptr) {
    const std::vector<std::string> thoughts = thoughts_of(tree.seed()->text);
    if (thoughts.size() == tree.localization->num_thoughts)
      return steps_before(thoughts, named, min_words) -
             steps_before(thoughts, wrong, min_words);
  }
  return static_cast<int64_t>(named) - static_cast<int64_t>(wrong);
}

std::optional<double> share_of(uint32_t thought, uint32_t thoughts) {
  if (thoughts == 0) return std::nullopt;
  return static_cast<double>(thought) / static_cast<double>(thoughts);
}

/// share, low, high, of
void append_share(std::vector<Cell>& row, const Proportion& share) {
  const Interval interval = share.interval();
  const bool is_known = share.total > 0;
  const std::vector<Cell> cells = {cell(share.share()),
                                   is_known ? Cell(interval.low) : Cell(),
                                   is_known ? Cell(interval.high) : Cell(), share.total};
  row.insert(row.end(), cells.begin(), cells.end());
}

Table localizer_table(const LocalizationReport& report) {
  Table table("localizers", {"localizer", "resets", "thought", "of_thoughts", "position",
                             "named_first", "reply_tokens", "seconds"});
  const auto add = [&](const std::string& name, const LocalizerRow& row) {
    table.add_row({name, row.resets, cell(row.thought.value()),
                   cell(row.thoughts.value()), cell(row.position.value()),
                   cell(row.first.share()), cell(row.reply_tokens.value()),
                   cell(row.seconds.value())});
  };
  for (const auto& [name, row] : report.localizers) add(name, row);
  add("all", report.total);
  return table;
}

Table parse_table(const LocalizationReport& report) {
  Table table("parse", {"localizer", "status", "share", "low_95", "high_95", "of"});
  for (const auto& [name, row] : report.localizers) {
    for (size_t i = 0; i < row.statuses.size(); ++i) {
      std::vector<Cell> cells = {name, std::string(name_of(static_cast<ParseStatus>(i)))};
      append_share(cells, {row.statuses[i], row.resets});
      table.add_row(std::move(cells));
    }
  }
  return table;
}

Table agreement_table(const LocalizationReport& report) {
  Table table("agreement", {"localizer", "measure", "share", "low_95", "high_95", "of"});
  for (const auto& [name, row] : report.localizers) {
    const auto add = [&, &name = name](const char* measure, const Proportion& share) {
      std::vector<Cell> cells = {name, std::string(measure)};
      append_share(cells, share);
      table.add_row(std::move(cells));
    };
    if (row.exact.total == 0) continue;
    add("known", {row.exact.total, row.resets});
    add("exact", row.exact);
    add("within 1", row.within_1);
    add("within 2", row.within_2);
    table.add_row({name, std::string("exact by chance"), cell(row.chance.value()), Cell(),
                   Cell(), row.chance.count()});
  }
  return table;
}

Table clean_table(const LocalizationReport& report) {
  Table table(
      "clean_or_erroneous",
      {"localizer", "kept_part", "resets", "endings", "low_95", "high_95", "of_endings",
       "any_success", "any_low_95", "any_high_95", "of_resets", "kept_fraction"});
  const auto add = [&](const std::string& name, const char* part,
                       const DeviationBin& bin) {
    std::vector<Cell> cells = {name, std::string(part), bin.resets};
    append_share(cells, bin.endings);
    append_share(cells, bin.any_success);
    const Cell kept = cell(bin.kept.value());
    cells.push_back(kept);
    table.add_row(std::move(cells));
  };
  for (const auto& [name, row] : report.localizers) {
    if (row.exact.total == 0) continue;
    add(name, "clean", row.clean);
    add(name, "erroneous", row.erroneous);
  }
  return table;
}

std::string deviation_name(size_t bin) {
  const int deviation = static_cast<int>(bin) - kFarthest;
  if (deviation == -kFarthest) return "<= " + std::to_string(deviation);
  if (deviation == kFarthest) return ">= +" + std::to_string(deviation);
  return (deviation > 0 ? "+" : "") + std::to_string(deviation);
}

Table deviation_table(const LocalizationReport& report) {
  Table table("deviations", {"named_behind_wrong", "resets", "share", "endings", "low_95",
                             "high_95", "of_endings", "any_success", "any_low_95",
                             "any_high_95", "of_resets", "kept_fraction"});
  for (size_t i = 0; i < report.deviations.size(); ++i) {
    const DeviationBin& bin = report.deviations[i];
    if (bin.resets == 0) continue;
    std::vector<Cell> cells = {
        deviation_name(i), bin.resets,
        cell(Proportion{bin.resets, report.total.exact.total}.share())};
    append_share(cells, bin.endings);
    append_share(cells, bin.any_success);
    const Cell kept = cell(bin.kept.value());
    cells.push_back(kept);
    table.add_row(std::move(cells));
  }
  return table;
}

Table position_table(const LocalizationReport& report) {
  Table table("positions",
              {"from", "to", "named", "named_share", "wrong", "wrong_share"});
  const auto& [named, wrong] = report.positions;
  for (size_t bin = 0; bin < named.size(); ++bin) {
    table.add_row({named.edge(bin), named.edge(bin + 1), named.count(bin),
                   cell(Proportion{named.count(bin), named.total()}.share()),
                   wrong.count(bin),
                   cell(Proportion{wrong.count(bin), wrong.total()}.share())});
  }
  return table;
}

}  // namespace

void DeviationBin::add(const RolloutTree& tree) {
  ++resets;
  bool any = false;
  for (const double reward : suffix_rewards(tree)) {
    endings.add(reward >= 1);
    any = any || reward >= 1;
  }
  if (!tree.suffixes.empty()) any_success.add(any);
  const records::Trajectory* seed = tree.seed();
  if (seed != nullptr && !seed->tokens.empty())
    kept.add(static_cast<double>(tree.prefix_length) /
             static_cast<double>(seed->tokens.size()));
}

void DeviationBin::merge(const DeviationBin& other) {
  resets += other.resets;
  endings.merge(other.endings);
  any_success.merge(other.any_success);
  kept.merge(other.kept);
}

void LocalizationReport::add_to(LocalizerRow& row, const RolloutTree& tree) const {
  const Localization& place = *tree.localization;
  ++row.resets;
  ++row.statuses[static_cast<size_t>(place.status)];
  row.reply_tokens.add(place.reply_tokens);
  row.seconds.add(place.seconds);
  row.thought.add(place.thought);
  row.thoughts.add(place.num_thoughts);
  row.first.add(place.thought <= 1);
  if (const auto share = share_of(place.thought, place.num_thoughts))
    row.position.add(*share);
  const auto wrong = known_->first_wrong(tree);
  if (!wrong || place.num_thoughts == 0) return;
  const int64_t deviation = deviation_of(tree, *wrong, min_words_);
  row.exact.add(deviation == 0);
  row.within_1.add(std::abs(deviation) <= 1);
  row.within_2.add(std::abs(deviation) <= 2);
  row.chance.add(1.0 / place.num_thoughts);
  (deviation <= 0 ? row.clean : row.erroneous).add(tree);
}

void LocalizationReport::add(const RolloutTree& tree) {
  from_file = known_->num_from_file();
  if (tree.validation || !tree.localization) return;
  const Localization& place = *tree.localization;
  const bool is_known = localizers.count(place.localizer) > 0;
  add_to(localizers[is_known || localizers.size() < kMostLocalizers ? place.localizer
                                                                    : "(others)"],
         tree);
  add_to(total, tree);
  if (const auto share = share_of(place.thought, place.num_thoughts))
    positions[0].add(*share);
  const auto wrong = known_->first_wrong(tree);
  if (!wrong || place.num_thoughts == 0) return;
  if (const auto share = share_of(*wrong, place.num_thoughts)) positions[1].add(*share);
  const int64_t deviation =
      std::clamp<int64_t>(deviation_of(tree, *wrong, min_words_), -kFarthest, kFarthest);
  deviations[static_cast<size_t>(deviation + kFarthest)].add(tree);
}

std::vector<Table> localization_tables(const LocalizationReport& report) {
  return {localizer_table(report), parse_table(report),     agreement_table(report),
          clean_table(report),     deviation_table(report), position_table(report)};
}

std::string localization_svg(const LocalizationReport& report, const std::string& name) {
  BarChart chart;
  chart.title = "Named and wrong steps: " + name;
  chart.nothing = "No reset has been recorded yet.";
  if (report.total.exact.total == 0) {
    chart.subtitle = "no wrong step is known; resets by where the named thought lies";
    chart.x = "named thought / thoughts of the failed chain";
    chart.y = "share of resets";
    const Histogram& named = report.positions[0];
    for (size_t bin = 0; named.total() > 0 && bin < named.size(); ++bin) {
      const Proportion share = {named.count(bin), named.total()};
      chart.bars.push_back(
          {decimal(named.edge(bin), 2), *share.share(), share.interval()});
    }
    return bar_svg(chart);
  }
  DeviationBin all = report.total.clean;
  all.merge(report.total.erroneous);
  chart.subtitle = std::to_string(report.total.exact.total) +
                   " resets; green exact, blue before, red behind; dashed: all of them";
  chart.x = "named thought - first wrong thought";
  chart.y = "share of endings that succeed";
  chart.level = all.endings.share();
  for (size_t i = 0; i < report.deviations.size(); ++i) {
    const DeviationBin& bin = report.deviations[i];
    const char* colour = i < kFarthest    ? "#1f5fa8"
                         : i == kFarthest ? "#2e8b57"
                                          : "#b03a2e";
    chart.bars.push_back({deviation_name(i), bin.endings.share().value_or(0),
                          bin.endings.total > 0
                              ? std::optional<Interval>(bin.endings.interval())
                              : std::nullopt,
                          colour});
  }
  return bar_svg(chart);
}

}  // namespace srpo::analysis
