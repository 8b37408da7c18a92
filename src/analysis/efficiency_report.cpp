#include "analysis/efficiency_report.h"

#include <algorithm>
#include <map>

#include "analysis/bar_svg.h"
#include "analysis/run_scan.h"
#include "analysis/training_groups.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

constexpr size_t at(Use use) { return static_cast<size_t>(use); }

struct Part {
  const char* name;
  uint64_t tokens;
};

/// What tokens were sampled for, in the order of the work.
std::vector<Part> parts_of(const EfficiencyReport& run) {
  return {{"base groups", run.decoded[at(Use::kBase)]},
          {"failed chains", run.decoded[at(Use::kSeed)]},
          {"surplus", run.decoded[at(Use::kSurplus)]},
          {"localization", run.localization_tokens},
          {"endings", run.decoded[at(Use::kSuffix)]},
          {"validation", run.decoded[at(Use::kValidation)]}};
}

Table token_table(const EfficiencyReport& run) {
  Table table("tokens", {"tokens", "count", "share", "of"});
  uint64_t decoded = 0;
  for (const Part& part : parts_of(run)) decoded += part.tokens;
  const auto add = [&](const std::string& name, uint64_t count, const std::string& of,
                       uint64_t total) {
    table.add_row({name, count, cell(Proportion{count, total}.share()), of});
  };
  for (const Part& part : parts_of(run))
    add(std::string("decoded/") + part.name, part.tokens, "decoded", decoded);
  add("decoded/all", decoded, "decoded", decoded);
  const uint64_t chains = decoded - run.localization_tokens;
  add("prefilled again", run.prefilled, "decoded", decoded);
  add("prefilled again/endings", run.ending_prefilled, "kept prefixes",
      run.prefix_tokens);
  add("prompts of localization", run.localization_prompt_tokens, "decoded", decoded);
  const uint64_t sequences = run.trained_tokens + run.flat_tokens + run.masked_tokens;
  add("trained", run.trained_tokens, "trained sequences", sequences);
  add("zero advantage", run.flat_tokens, "trained sequences", sequences);
  add("masked prefixes", run.masked_tokens, "trained sequences", sequences);
  add("drawn and not trained",
      run.decoded[at(Use::kSeed)] + run.decoded[at(Use::kSurplus)],
      "decoded without replies", chains);
  return table;
}

Table stage_table(const EfficiencyReport& run) {
  Table table("stages", {"stage", "seconds", "share", "source"});
  const auto total = run.times.stage_total();
  for (const auto& [stage, seconds] : run.times.stages) {
    table.add_row({stage, seconds, total && *total > 0 ? Cell(seconds / *total) : Cell(),
                   std::string("summary.json")});
  }
  const double both = run.times.draw_seconds() + run.times.train_seconds();
  if (run.times.steps.empty()) return table;
  const auto add = [&](const char* name, double seconds) {
    table.add_row({std::string(name), seconds, both > 0 ? Cell(seconds / both) : Cell(),
                   std::string("metrics.jsonl")});
  };
  add("draw, all steps", run.times.draw_seconds());
  add("train, all steps", run.times.train_seconds());
  add("collectives in train", run.times.collective_seconds());
  table.add_row({std::string("verifier, sum over chains"), run.verifier_seconds, Cell(),
                 std::string("shards")});
  return table;
}

/// Seconds of the stages in which a role has work, when no stage overlaps another.
std::optional<double> stage_seconds_of(const RunTimes& times, const std::string& role) {
  static const std::map<std::string, std::vector<std::string>> kStages = {
      {"generator", {"drawing", "validation"}},
      {"localization", {"drawing"}},
      {"verifier", {"drawing", "validation"}},
      {"learner", {"training", "warm start", "publication", "checkpoint"}}};
  const auto found = kStages.find(role);
  if (found == kStages.end()) return std::nullopt;
  double seconds = 0;
  for (const std::string& stage : found->second)
    seconds += times.stage(stage).value_or(0);
  return seconds;
}

Table idle_table(const RunTimes& times) {
  Table table("idle", {"role", "ranks", "cpu_seconds", "wall_seconds", "idle_by_stage",
                       "idle_by_cpu"});
  std::map<std::string, Moments> roles;
  for (const RankUse& rank : times.ranks) roles[rank.role].add(rank.cpu_seconds);
  const double wall = times.stage_total().value_or(0);
  for (const auto& [role, cpu] : roles) {
    const auto busy = stage_seconds_of(times, role);
    const auto idle = [&](double seconds) {
      return wall > 0 ? Cell(std::clamp(1 - seconds / wall, 0.0, 1.0)) : Cell();
    };
    table.add_row({role, cpu.count(),
                   cpu.mean().value_or(0) * static_cast<double>(cpu.count()), wall,
                   busy ? idle(*busy) : Cell(), idle(cpu.mean().value_or(0))});
  }
  return table;
}

Cell hours(const std::optional<double>& seconds) {
  return seconds ? Cell(*seconds / 3600) : Cell();
}

Cell times_as(const std::optional<double>& ours, const std::optional<double>& first) {
  return ours && first && *first > 0 ? Cell(*ours / *first) : Cell();
}

Table paper_table(const std::vector<EfficiencyReport>& runs) {
  Table table("paper", {"run", "algorithm", "train_h", "generation_h", "validation_h",
                        "total_h", "tokens_m", "mean_response", "tokens_per_second",
                        "train_x", "generation_x", "total_x", "tokens_x"});
  for (const EfficiencyReport& run : runs) {
    const EfficiencyReport& first = runs.front();
    const auto generation = run.generation_seconds();
    const auto millions = static_cast<double>(run.paper_tokens) / 1e6;
    table.add_row(
        {run.name, run.identity.algorithm, hours(run.train_seconds()), hours(generation),
         hours(run.validation_seconds()), hours(run.total_seconds()), millions,
         cell(run.response.value()),
         generation && *generation > 0
             ? Cell(static_cast<double>(run.decoded_for_training()) / *generation)
             : Cell(),
         times_as(run.train_seconds(), first.train_seconds()),
         times_as(generation, first.generation_seconds()),
         times_as(run.total_seconds(), first.total_seconds()),
         times_as(millions, static_cast<double>(first.paper_tokens) / 1e6)});
  }
  return table;
}

}  // namespace

void EfficiencyReport::add(const RolloutTree& tree) {
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (const Trajectory& chain : *chains) {
      decoded[at(chain.use)] += chain.decoded_tokens;
      ++trajectories[at(chain.use)];
      prefilled += chain.prefilled_tokens;
      verifier_seconds += chain.verdict.took_ms / 1e3;
      if (chain.prefix_length == 0) continue;
      ending_prefilled += chain.prefilled_tokens;
      prefix_tokens += chain.prefix_length;
    }
  }
  if (tree.localization) {
    ++resets;
    localization_tokens += tree.localization->reply_tokens;
    localization_prompt_tokens += tree.localization->prompt_tokens;
  }
  for (const TrainingGroup& group : training_groups(tree, identity)) {
    for (const Trajectory* chain : group.chains) {
      const uint64_t active = active_tokens(*chain, identity);
      (group.is_flat ? flat_tokens : trained_tokens) += active;
      masked_tokens += chain->tokens.size() - active;
      paper_tokens += tree.prompt_tokens.size() + chain->tokens.size();
      response.add(static_cast<double>(chain->tokens.size()));
    }
  }
}

uint64_t EfficiencyReport::decoded_for_training() const {
  return decoded[at(Use::kBase)] + decoded[at(Use::kSeed)] + decoded[at(Use::kSuffix)] +
         decoded[at(Use::kSurplus)] + localization_tokens;
}

bool EfficiencyReport::summary_covers_run() const {
  const auto drawing = times.stage("drawing");
  return drawing && *drawing >= 0.9 * times.draw_seconds();
}

std::optional<double> EfficiencyReport::train_seconds() const {
  if (!summary_covers_run()) {
    if (times.steps.empty()) return std::nullopt;
    return times.draw_seconds() + times.train_seconds();
  }
  double seconds = 0;
  for (const char* stage : {"drawing", "training", "publication", "checkpoint"})
    seconds += times.stage(stage).value_or(0);
  return seconds;
}

std::optional<double> EfficiencyReport::generation_seconds() const {
  if (times.steps.empty()) return std::nullopt;
  return times.draw_seconds();
}

std::optional<double> EfficiencyReport::validation_seconds() const {
  return summary_covers_run() ? times.stage("validation") : std::nullopt;
}

std::optional<double> EfficiencyReport::total_seconds() const {
  const auto train = train_seconds();
  const auto validation = validation_seconds();
  if (!train || !validation) return std::nullopt;
  return *train + *validation;
}

std::vector<Table> efficiency_tables(const std::vector<EfficiencyReport>& runs) {
  return {token_table(runs.front()), stage_table(runs.front()),
          idle_table(runs.front().times), paper_table(runs)};
}

std::string efficiency_svg(const EfficiencyReport& run) {
  BarChart chart;
  chart.title = "Decoded tokens: " + run.name;
  chart.x = "sampled for";
  chart.y = "million tokens";
  uint64_t decoded = 0;
  for (const Part& part : parts_of(run)) {
    decoded += part.tokens;
    chart.bars.push_back(
        {part.name, static_cast<double>(part.tokens) / 1e6, std::nullopt, "#1f5fa8"});
  }
  if (decoded == 0) chart.bars.clear();
  chart.subtitle = std::to_string(decoded) + " tokens in all";
  return bar_svg(chart);
}

EfficiencyReport read_efficiency(const std::filesystem::path& run) {
  EfficiencyReport report(display_name(run), identity_of_run(run));
  report.times = read_run_times(run);
  scan_run(run, [&](const RolloutTree& tree, const storage::ReplayReader&) {
    report.add(tree);
  });
  return report;
}

}  // namespace srpo::analysis
