#include "analysis/summary_report.h"

namespace srpo::analysis {
namespace {

using records::FinishReason;
using records::ParseStatus;
using records::Use;
using records::VerdictKind;

/// `name` has one row for each kind: its share of all, and of how many.
template <class Kind, size_t N>
void add_shares(Table& table, const std::string& name,
                const std::array<uint64_t, N>& counts) {
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  for (size_t i = 0; i < N; ++i) {
    const Proportion share = {counts[i], total};
    table.add_row(
        {name + "/" + name_of(static_cast<Kind>(i)), cell(share.share()), total});
  }
}

void add_mean(Table& table, const std::string& name, const Mean& mean) {
  table.add_row({name, cell(mean.value()), mean.count()});
}

void add_count(Table& table, const std::string& name, uint64_t count) {
  table.add_row({name, count, Cell()});
}

std::vector<Cell> validation_row(const std::string& what, uint32_t version,
                                 const Proportion& correct) {
  const Interval interval = correct.interval();
  return {what,
          static_cast<uint64_t>(version),
          correct.total,
          correct.successes,
          cell(correct.share()),
          interval.low,
          interval.high};
}

}  // namespace

Table validation_table(const RunScan& scan) {
  Table table("validation", {"which", "policy_version", "problems", "correct", "accuracy",
                             "low_95", "high_95"});
  const std::map<uint32_t, Proportion> versions = scan.total().validation;
  for (const auto& [version, correct] : versions) {
    const bool is_first = version == versions.begin()->first;
    const bool is_last = version == versions.rbegin()->first;
    table.add_row(validation_row(is_first  ? "first"
                                 : is_last ? "last"
                                           : "",
                                 version, correct));
  }
  return table;
}

Table measures_table(const RunScan& scan) {
  const Tally total = scan.total();
  Table table("measures", {"measure", "value", "of"});
  add_count(table, "steps", scan.steps.size());
  add_count(table, "trees/training", total.training_trees);
  add_count(table, "trees/validation", total.validation_trees);
  for (size_t i = 0; i < total.uses.size(); ++i) {
    add_count(table, std::string("trajectories/") + name_of(static_cast<Use>(i)),
              total.uses[i]);
  }
  const Proportion resets = {total.resets(), total.training_trees};
  table.add_row({"resets/share_of_trees", cell(resets.share()), resets.total});
  add_shares<ParseStatus>(table, "localization", total.parse_statuses);
  add_mean(table, "resets/chosen_thought", total.chosen_thought);
  add_mean(table, "resets/kept_fraction", total.kept_fraction);
  add_mean(table, "resets/gain", total.reset_gain);
  add_mean(table, "reward/base", total.base_reward);
  add_mean(table, "reward/suffix", total.suffix_reward);
  table.add_row({"zero_variance/base_groups", cell(total.flat_base_groups.share()),
                 total.flat_base_groups.total});
  table.add_row({"zero_variance/suffix_groups", cell(total.flat_suffix_groups.share()),
                 total.flat_suffix_groups.total});
  add_shares<FinishReason>(table, "finish", total.finishes);
  add_shares<VerdictKind>(table, "verdict", total.verdicts);
  add_mean(table, "thoughts", total.thoughts);
  add_mean(table, "sampled_tokens/mean", total.sampled_length);
  table.add_row(
      {"sampled_tokens/max", total.max_sampled_length, total.sampled_length.count()});
  add_count(table, "tokens/decoded", total.decoded_tokens);
  add_count(table, "tokens/prefilled", total.prefilled_tokens);
  add_count(table, "tokens/localization", total.localization_tokens);
  add_count(table, "shards", scan.num_shards);
  add_count(table, "shards/damaged", scan.damaged.size());
  return table;
}

Table steps_table(const RunScan& scan) {
  Table table("steps", {"step", "trees", "resets", "base_reward", "suffix_reward",
                        "reset_gain", "flat_base", "flat_suffix", "thoughts",
                        "sampled_tokens", "validation_accuracy", "validation_problems"});
  for (const auto& [step, tally] : scan.steps) {
    Proportion validation;
    for (const auto& [version, correct] : tally.validation) validation.merge(correct);
    table.add_row({static_cast<uint64_t>(step), tally.training_trees, tally.resets(),
                   cell(tally.base_reward.value()), cell(tally.suffix_reward.value()),
                   cell(tally.reset_gain.value()), cell(tally.flat_base_groups.share()),
                   cell(tally.flat_suffix_groups.share()), cell(tally.thoughts.value()),
                   cell(tally.sampled_length.value()), cell(validation.share()),
                   validation.total});
  }
  return table;
}

std::vector<Table> summary_report(const RunScan& scan, bool per_step) {
  std::vector<Table> tables = {validation_table(scan), measures_table(scan)};
  if (per_step) tables.push_back(steps_table(scan));
  return tables;
}

}  // namespace srpo::analysis
