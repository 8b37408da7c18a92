#include "ranks/step_report.h"

#include <algorithm>
#include <optional>

namespace srpo::ranks {
namespace {

/// Nothing when no chain has that use.
std::optional<double> mean_reward(const std::vector<records::Trajectory>& chains,
                                  records::Use use) {
  double sum = 0;
  double count = 0;
  for (const records::Trajectory& chain : chains) {
    if (chain.use != use) continue;
    sum += chain.verdict.reward;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

}  // namespace

void DrawStatistics::add(const records::RolloutTree& tree) {
  ++trees;
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (const records::Trajectory& chain : *chains) {
      ++trajectories;
      decoded_tokens += chain.decoded_tokens;
      prefilled_tokens += chain.prefilled_tokens;
      if (chain.use == records::Use::kBase || chain.use == records::Use::kValidation) {
        base_reward += chain.verdict.reward;
        ++base_chains;
      }
    }
  }
  for (const records::Trajectory& suffix : tree.suffixes) {
    suffix_reward += suffix.verdict.reward;
    ++suffix_chains;
    if (suffix.prefix_length > 0) reset_prefill_tokens += suffix.prefilled_tokens;
  }
  for (const records::Localization& each : tree.further) {
    ++resets;
    decoded_tokens += each.reply_tokens;
    prefilled_tokens += each.prompt_tokens;
  }
  if (tree.localization) {
    ++resets;
    decoded_tokens += tree.localization->reply_tokens;
    prefilled_tokens += tree.localization->prompt_tokens;
    const auto base = mean_reward(tree.fresh, records::Use::kBase);
    if (base) {
      ++compared_resets;
      reset_gain += *mean_reward(tree.suffixes, records::Use::kSuffix) - *base;
    }
  }
}

void DrawStatistics::merge(const DrawStatistics& other) {
  trees += other.trees;
  trajectories += other.trajectories;
  resets += other.resets;
  decoded_tokens += other.decoded_tokens;
  prefilled_tokens += other.prefilled_tokens;
  reset_prefill_tokens += other.reset_prefill_tokens;
  base_reward += other.base_reward;
  base_chains += other.base_chains;
  suffix_reward += other.suffix_reward;
  suffix_chains += other.suffix_chains;
  reset_gain += other.reset_gain;
  compared_resets += other.compared_resets;
}

void StageClock::enter(const std::string& stage) {
  if (!stage_.empty()) {
    auto at = std::find_if(seconds_.begin(), seconds_.end(),
                           [&](const auto& entry) { return entry.first == stage_; });
    if (at == seconds_.end()) at = seconds_.insert(seconds_.end(), {stage_, 0.0});
    at->second += watch_.seconds();
  }
  stage_ = stage;
  watch_.restart();
}

double StageClock::seconds(const std::string& stage) const {
  double total = stage == stage_ ? watch_.seconds() : 0;
  for (const auto& [name, seconds] : seconds_) {
    if (name == stage) total += seconds;
  }
  return total;
}

std::vector<std::pair<std::string, double>> StageClock::all() const { return seconds_; }

std::map<std::string, double> step_metrics(const DrawStatistics& drawn,
                                           const learner::StepStats& trained,
                                           double draw_seconds) {
  return {
      {"draw/seconds", draw_seconds},
      {"draw/trajectories", static_cast<double>(drawn.trajectories)},
      {"draw/resets", static_cast<double>(drawn.resets)},
      {"draw/decoded_tokens", static_cast<double>(drawn.decoded_tokens)},
      {"draw/prefilled_tokens", static_cast<double>(drawn.prefilled_tokens)},
      {"draw/reset_prefill_tokens", static_cast<double>(drawn.reset_prefill_tokens)},
      {"draw/decoded_tokens_per_second",
       draw_seconds > 0 ? static_cast<double>(drawn.decoded_tokens) / draw_seconds : 0},
      {"reward/base_mean", drawn.mean_base_reward()},
      {"reward/suffix_mean", drawn.mean_suffix_reward()},
      {"reward/reset_gain_mean", drawn.mean_reset_gain()},
      {"train/seconds", trained.seconds},
      {"train/collective_seconds", trained.collective_seconds},
      {"train/loss", trained.loss},
      {"train/grad_norm", trained.grad_norm},
      {"train/kl_mean", trained.mean_divergence},
      {"train/clipped_fraction", trained.clipped_fraction},
      {"train/tokens", static_cast<double>(trained.tokens)},
      {"train/tokens_per_second",
       trained.seconds > 0 ? static_cast<double>(trained.tokens) / trained.seconds : 0},
      {"train/loss_rows", static_cast<double>(trained.loss_rows)},
      {"train/sequences", static_cast<double>(trained.sequences)},
      {"train/trained_sequences", static_cast<double>(trained.trained_sequences)},
      {"train/skipped_updates", static_cast<double>(trained.skipped_updates)},
      {"train/empty_updates", static_cast<double>(trained.empty_updates)},
      {"train/roll_backs", static_cast<double>(trained.roll_backs)},
      {"train/learning_rate", trained.learning_rate},
      {"train/logprob_gap_max", trained.max_logprob_gap},
      {"train/logprob_gap_mean", trained.mean_logprob_gap},
  };
}

}  // namespace srpo::ranks
