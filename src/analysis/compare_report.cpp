#include "analysis/compare_report.h"

#include <algorithm>
#include <functional>

namespace srpo::analysis {
namespace {

using records::RolloutTree;

std::vector<std::string> unique_names(const std::vector<ComparedRun>& runs) {
  std::vector<std::string> names;
  for (const ComparedRun& run : runs) {
    std::string name = run.name;
    for (int n = 2; std::count(names.begin(), names.end(), name) > 0; ++n)
      name = run.name + " (" + std::to_string(n) + ")";
    names.push_back(name);
  }
  return names;
}

std::optional<double> best_accuracy(const Tally& total) {
  std::optional<double> best;
  for (const auto& [version, correct] : total.validation)
    best = std::max(best.value_or(0), correct.share().value_or(0));
  return best;
}

Cell accuracy_of(const Tally& total, bool last) {
  if (total.validation.empty()) return {};
  return cell(
      (last ? total.validation.rbegin()->second : total.validation.begin()->second)
          .share());
}

struct Measure {
  const char* name;
  std::function<Cell(const ComparedRun&, const Tally&)> value;
};

Cell per(uint64_t count, uint64_t of) {
  return of == 0 ? Cell() : Cell(static_cast<double>(count) / static_cast<double>(of));
}

std::vector<Measure> measures() {
  using Run = const ComparedRun&;
  using Sum = const Tally&;
  return {
      {"algorithm", [](Run run, Sum) { return Cell(run.identity.algorithm); }},
      {"steps", [](Run run, Sum) { return Cell(uint64_t{run.scan.steps.size()}); }},
      {"validation/first", [](Run, Sum sum) { return accuracy_of(sum, false); }},
      {"validation/last", [](Run, Sum sum) { return accuracy_of(sum, true); }},
      {"validation/best", [](Run, Sum sum) { return cell(best_accuracy(sum)); }},
      {"reward/base", [](Run, Sum sum) { return cell(sum.base_reward.value()); }},
      {"reward/suffix", [](Run, Sum sum) { return cell(sum.suffix_reward.value()); }},
      {"resets/gain", [](Run, Sum sum) { return cell(sum.reset_gain.value()); }},
      {"resets/share_of_trees",
       [](Run, Sum sum) { return per(sum.resets(), sum.training_trees); }},
      {"resets/kept_fraction",
       [](Run, Sum sum) { return cell(sum.kept_fraction.value()); }},
      {"zero_variance/base_groups",
       [](Run, Sum sum) { return cell(sum.flat_base_groups.share()); }},
      {"zero_variance/suffix_groups",
       [](Run, Sum sum) { return cell(sum.flat_suffix_groups.share()); }},
      {"thoughts", [](Run, Sum sum) { return cell(sum.thoughts.value()); }},
      {"sampled_tokens", [](Run, Sum sum) { return cell(sum.sampled_length.value()); }},
      {"trees/training", [](Run, Sum sum) { return Cell(sum.training_trees); }},
      {"trajectories", [](Run, Sum sum) { return Cell(sum.training_trajectories()); }},
      {"tokens/decoded", [](Run, Sum sum) { return Cell(sum.decoded_tokens); }},
      {"tokens/prefilled", [](Run, Sum sum) { return Cell(sum.prefilled_tokens); }},
      {"shards/damaged",
       [](Run run, Sum) { return Cell(uint64_t{run.scan.damaged.size()}); }},
  };
}

Table measure_table(const std::vector<ComparedRun>& runs,
                    const std::vector<std::string>& names) {
  std::vector<std::string> columns = {"measure"};
  columns.insert(columns.end(), names.begin(), names.end());
  Table table("measures", columns);
  std::vector<Tally> totals;
  totals.reserve(runs.size());
  for (const ComparedRun& run : runs) totals.push_back(run.scan.total());
  for (const Measure& measure : measures()) {
    std::vector<Cell> row = {std::string(measure.name)};
    for (size_t i = 0; i < runs.size(); ++i) {
      const Cell value = measure.value(runs[i], totals[i]);
      row.push_back(value);
    }
    table.add_row(std::move(row));
  }
  return table;
}

Table validation_rows(const std::vector<ComparedRun>& runs,
                      const std::vector<std::string>& names) {
  Table table("validation", {"run", "policy_version", "problems", "correct", "accuracy",
                             "low_95", "high_95"});
  for (size_t i = 0; i < runs.size(); ++i) {
    for (const auto& [version, correct] : runs[i].scan.total().validation) {
      const Interval interval = correct.interval();
      table.add_row({names[i], static_cast<uint64_t>(version), correct.total,
                     correct.successes, cell(correct.share()), interval.low,
                     interval.high});
    }
  }
  return table;
}

Table paired_table(const std::vector<ComparedRun>& runs,
                   const std::vector<std::string>& names) {
  Table table("paired", {"run", "against", "problems", "both", "only_run", "only_against",
                         "neither", "difference", "p_mcnemar"});
  for (size_t i = 1; i < runs.size(); ++i) {
    std::array<uint64_t, 4> counts{};  // by solved by this one, solved by the first
    uint64_t total = 0;
    for (const auto& [problem, solved] : runs[i].solved) {
      const auto found = runs[0].solved.find(problem);
      if (found == runs[0].solved.end()) continue;
      ++total;
      ++counts[(solved ? 2U : 0U) + (found->second ? 1U : 0U)];
    }
    if (total == 0) {
      table.add_row(
          {names[i], names[0], total, Cell(), Cell(), Cell(), Cell(), Cell(), Cell()});
      continue;
    }
    const double difference =
        (static_cast<double>(counts[2]) - static_cast<double>(counts[1])) /
        static_cast<double>(total);
    table.add_row({names[i], names[0], total, counts[3], counts[2], counts[1], counts[0],
                   difference, mcnemar_p(counts[2], counts[1])});
  }
  return table;
}

}  // namespace

ComparedRun read_compared(const std::filesystem::path& run) {
  ComparedRun compared;
  compared.name = display_name(run);
  compared.identity = identity_of_run(run);
  compared.scan =
      scan_run(run, [&](const RolloutTree& tree, const storage::ReplayReader&) {
        if (!tree.validation || tree.fresh.empty()) return;
        const records::Trajectory& chain = tree.fresh.front();
        if (chain.policy_version < compared.last_version) return;
        if (chain.policy_version > compared.last_version) compared.solved.clear();
        compared.last_version = chain.policy_version;
        // Files of another run may use the same ids for other problems.
        compared.solved[tree.problem.id + "\n" + tree.problem.question] =
            chain.verdict.reward >= 1;
      });
  return compared;
}

std::vector<Table> compare_tables(const std::vector<ComparedRun>& runs) {
  const std::vector<std::string> names = unique_names(runs);
  return {measure_table(runs, names), validation_rows(runs, names),
          paired_table(runs, names)};
}

std::string compare_svg(const std::vector<ComparedRun>& runs) {
  static const char* const kColours[] = {"#1f5fa8", "#d9822b", "#2e8b57", "#b03a2e",
                                         "#7d4fa8", "#4a7c8c", "#8a6d3b", "#c2457a"};
  const std::vector<std::string> names = unique_names(runs);
  std::vector<Series> series;
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<Series> curves = learning_curves(runs[i].scan);
    if (curves.empty()) continue;
    Series curve = std::move(curves.front());
    curve.name = names[i];
    curve.colour = kColours[i % std::size(kColours)];
    series.push_back(std::move(curve));
  }
  CurveLabels labels;
  labels.title = "Validation accuracy, 95 % intervals";
  labels.y = "accuracy";
  return curve_svg(labels, series);
}

}  // namespace srpo::analysis
