#include "analysis/gradient_report.h"

#include <algorithm>
#include <cmath>

#include "analysis/training_groups.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;

size_t first_active(const Trajectory& chain, const RunIdentity& identity) {
  const size_t tokens = std::min(chain.tokens.size(), chain.logprobs.size());
  return identity.mask_prefix ? std::min<size_t>(chain.prefix_length, tokens) : 0;
}

/// 1 - p of a sampled token.
double surprise_of(float logprob) {
  return -std::expm1(std::min(0.0, static_cast<double>(logprob)));
}

void add_thoughts(std::vector<Mean>& thoughts, const Trajectory& chain, double weight,
                  size_t begin) {
  size_t thought = 0;
  const size_t tokens = std::min(chain.tokens.size(), chain.logprobs.size());
  for (size_t t = 0; t < tokens; ++t) {
    while (thought < chain.thought_ends.size() && t >= chain.thought_ends[thought])
      ++thought;
    if (t < begin) continue;
    thoughts[std::min(thought, thoughts.size() - 1)].add(weight *
                                                         surprise_of(chain.logprobs[t]));
  }
}

/// Mean over the chains of a group with a variance; nothing without one.
std::optional<double> add_group(SignalSide& side, const TrainingGroup& group,
                                const RunIdentity& identity) {
  side.flat.add(group.is_flat);
  Mean signal;
  for (size_t i = 0; i < group.chains.size(); ++i) {
    const Trajectory& chain = *group.chains[i];
    side.success.add(group.rewards[i] >= 1);
    const double advantage = std::abs(group.advantages[i]);
    if (advantage == 0) continue;
    Mean surprise;
    const size_t end = std::min(chain.tokens.size(), chain.logprobs.size());
    for (size_t t = first_active(chain, identity); t < end; ++t)
      surprise.add(surprise_of(chain.logprobs[t]));
    if (surprise.count() == 0) continue;
    signal.add(advantage / static_cast<double>(surprise.count()) * *surprise.value());
    side.advantage.add(advantage);
    side.length.add(static_cast<double>(surprise.count()));
    side.surprise.merge(surprise);
  }
  if (signal.count() > 0) side.signal.add(*signal.value());
  return signal.value();
}

void add_tree(SignalRow& row, const std::vector<TrainingGroup>& groups,
              const RunIdentity& identity) {
  Mean base;
  Mean suffix;
  for (const TrainingGroup& group : groups) {
    const auto signal =
        add_group(group.is_suffix ? row.suffix : row.base, group, identity);
    if (signal) (group.is_suffix ? suffix : base).add(*signal);
  }
  if (base.count() == 0 || suffix.count() == 0) return;
  row.both_base.add(*base.value());
  row.both_suffix.add(*suffix.value());
  if (*base.value() > 0) row.ratio.add(*suffix.value() / *base.value());
}

Table signal_table(const GradientReport& report) {
  const SignalRow& total = report.total;
  Table table("signal", {"measure", "base", "suffix", "suffix_to_base"});
  const auto add = [&](const char* name, const std::optional<double>& base,
                       const std::optional<double>& suffix) {
    const bool can_divide = base && suffix && *base != 0;
    table.add_row({std::string(name), cell(base), cell(suffix),
                   can_divide ? Cell(*suffix / *base) : Cell()});
  };
  const auto millionth = [](const Mean& mean) -> std::optional<double> {
    return mean.count() > 0 ? std::optional(*mean.value() * 1e6) : std::nullopt;
  };
  add("signal per token, 1e-6", millionth(total.base.signal),
      millionth(total.suffix.signal));
  add("signal, problems with both, 1e-6", millionth(total.both_base),
      millionth(total.both_suffix));
  add("absolute advantage", total.base.advantage.value(), total.suffix.advantage.value());
  add("active tokens", total.base.length.value(), total.suffix.length.value());
  add("1 - p", total.base.surprise.value(), total.suffix.surprise.value());
  add("zero-variance groups", total.base.flat.share(), total.suffix.flat.share());
  add("success of chains", total.base.success.share(), total.suffix.success.share());
  table.add_row({std::string("problems with both"), Cell(), Cell(), total.ratio.count()});
  table.add_row({std::string("mean of the problems' ratios"), Cell(), Cell(),
                 cell(total.ratio.mean())});
  table.add_row({std::string("correlation of suffix success and step"), Cell(),
                 cell(report.trend()), Cell()});
  return table;
}

Table thought_table(const GradientReport& report) {
  Table table("thoughts", {"thought", "base_signal_1e-6", "base_tokens",
                           "suffix_signal_1e-6", "suffix_tokens"});
  for (size_t i = 0; i < report.base_thoughts.size(); ++i) {
    const Mean& base = report.base_thoughts[i];
    const Mean& suffix = report.suffix_thoughts[i];
    if (base.count() + suffix.count() == 0) continue;
    const auto value = [](const Mean& mean) {
      return mean.count() > 0 ? Cell(*mean.value() * 1e6) : Cell();
    };
    table.add_row({i < kMostThoughts ? std::to_string(i + 1)
                                     : "over " + std::to_string(kMostThoughts),
                   value(base), base.count(), value(suffix), suffix.count()});
  }
  return table;
}

Table step_table(const GradientReport& report) {
  Table table("steps", {"step", "base_1e-6", "suffix_1e-6", "ratio", "problems",
                        "flat_base", "flat_suffix", "success_suffix"});
  for (const auto& [step, row] : report.steps) {
    const auto value = [](const Mean& mean) {
      return mean.count() > 0 ? Cell(*mean.value() * 1e6) : Cell();
    };
    table.add_row({static_cast<uint64_t>(step), value(row.both_base),
                   value(row.both_suffix), cell(GradientReport::ratio_of(row)),
                   row.both_base.count(), cell(row.base.flat.share()),
                   cell(row.suffix.flat.share()), cell(row.suffix.success.share())});
  }
  return table;
}

}  // namespace

void SignalSide::merge(const SignalSide& other) {
  signal.merge(other.signal);
  advantage.merge(other.advantage);
  length.merge(other.length);
  surprise.merge(other.surprise);
  flat.merge(other.flat);
  success.merge(other.success);
}

void SignalRow::merge(const SignalRow& other) {
  base.merge(other.base);
  suffix.merge(other.suffix);
  ratio.merge(other.ratio);
  both_base.merge(other.both_base);
  both_suffix.merge(other.both_suffix);
}

void GradientReport::add(const RolloutTree& tree) {
  const std::vector<TrainingGroup> groups = training_groups(tree, identity);
  if (groups.empty()) return;
  SignalRow row;
  add_tree(row, groups, identity);
  total.merge(row);
  steps[tree.step].merge(row);
  for (const TrainingGroup& group : groups) {
    for (size_t i = 0; i < group.chains.size(); ++i) {
      const Trajectory& chain = *group.chains[i];
      const auto active = static_cast<double>(active_tokens(chain, identity));
      if (group.advantages[i] == 0 || active == 0) continue;
      add_thoughts(group.is_suffix ? suffix_thoughts : base_thoughts, chain,
                   std::abs(group.advantages[i]) / active, first_active(chain, identity));
    }
  }
}

std::optional<double> GradientReport::ratio_of(const SignalRow& row) {
  if (row.both_base.count() == 0 || row.both_base.sum() <= 0) return std::nullopt;
  return row.both_suffix.sum() / row.both_base.sum();
}

std::optional<double> GradientReport::trend() const {
  Correlation correlation;
  for (const auto& [step, row] : steps) {
    if (row.suffix.success.total > 0)
      correlation.add(static_cast<double>(step), *row.suffix.success.share());
  }
  return correlation.value();
}

std::vector<Table> gradient_tables(const GradientReport& report) {
  return {signal_table(report), thought_table(report), step_table(report)};
}

std::string gradient_svg(const GradientReport& report, const std::string& name) {
  Series ratio = {"signal of suffix groups / base groups", "#1f5fa8", false, {}};
  Series level = {"alike", "#b03a2e", false, {}};
  for (const auto& [step, row] : report.steps) {
    if (const auto value = GradientReport::ratio_of(row)) {
      ratio.points.push_back({static_cast<double>(step), *value, 0, 0});
      level.points.push_back({static_cast<double>(step), 1, 0, 0});
    }
  }
  CurveLabels labels;
  labels.title = "Learning signal of a token: " + name;
  labels.x = "step";
  labels.y = "ratio";
  labels.nothing = "No problem has a variance in both groups.";
  return curve_svg(labels, {ratio, level});
}

}  // namespace srpo::analysis
