#include "scheduler/layout_proposal.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "core/error.h"

namespace srpo::scheduler {
namespace {

constexpr uint32_t kSimulatedSteps = 3;
constexpr size_t kRoles = 4;
using Counts =
    std::array<uint32_t, kRoles>;  // generators, localizers, verifiers, learners

/// Ranks in proportion to the work of a step, at least one each.
Counts proportional(const SimulationConfig& job, uint32_t ranks) {
  const WorldModel& model = job.model;
  const auto& plan = job.scheduler.draws.plan;
  const double chains = plan.base_group + plan.seeds * (plan.suffix_group + 1.0);
  double tokens = 0;
  for (const double quantile : model.response_tokens) tokens += quantile;
  tokens /= static_cast<double>(model.response_tokens.size());
  constexpr double kBatch = 16;
  const std::array<double, kRoles> work = {
      chains * tokens * model.seconds_per_token(kBatch) / kBatch,
      plan.resets() ? model.localization_seconds : 0, chains * model.verifier_seconds,
      chains * tokens * model.train_seconds_per_token};
  double all = 0;
  for (const double each : work) all += each;
  Counts counts{};
  uint32_t others = 0;
  for (size_t role = 1; role < kRoles; ++role) {
    const auto share = static_cast<uint32_t>(work[role] / all * ranks);
    counts[role] = std::clamp<uint32_t>(share, 1, std::max<uint32_t>(1, ranks / kRoles));
    others += counts[role];
  }
  counts[0] = ranks - others;
  return counts;
}

/// Tries layouts out, each once.
class Search {
 public:
  explicit Search(const SimulationConfig& job) : job_(job) {}

  double step_seconds(const Counts& counts) {
    const auto at = tried_.find(counts);
    if (at != tried_.end()) return at->second.step_seconds;
    LayoutEstimate layout;
    layout.generators = counts[0];
    layout.localizers = counts[1];
    layout.verifiers = counts[2];
    layout.learners = counts[3];
    return tried_.emplace(counts, simulate_layout(job_, layout))
        .first->second.step_seconds;
  }

  /// The best layout that moves `count` ranks from one role to another; `from` itself
  /// when none is faster.
  Counts best_move(const Counts& from, uint32_t count) {
    Counts best = from;
    for (size_t giver = 0; giver < kRoles; ++giver) {
      for (size_t taker = 0; taker < kRoles; ++taker) {
        if (giver == taker || from[giver] <= count) continue;
        Counts counts = from;
        counts[giver] -= count;
        counts[taker] += count;
        if (step_seconds(counts) < step_seconds(best)) best = counts;
      }
    }
    return best;
  }

  std::vector<LayoutEstimate> ranked() const {
    std::vector<LayoutEstimate> layouts;
    for (const auto& [counts, layout] : tried_) layouts.push_back(layout);
    std::stable_sort(layouts.begin(), layouts.end(), [](const auto& a, const auto& b) {
      return a.step_seconds < b.step_seconds;
    });
    return layouts;
  }

 private:
  const SimulationConfig& job_;
  std::map<Counts, LayoutEstimate> tried_;
};

}  // namespace

LayoutEstimate simulate_layout(const SimulationConfig& job, LayoutEstimate layout) {
  SimulationConfig config = job;
  config.scheduler.generators.workers = layout.generators;
  config.scheduler.localizers.workers = layout.localizers;
  config.scheduler.verifiers.workers = layout.verifiers;
  config.learners = layout.learners;
  config.scheduler.steps = kSimulatedSteps;
  config.scheduler.demonstration_batches = 0;
  config.scheduler.validate_every = 0;
  config.scheduler.checkpoint_every = 1U << 20;
  const SimulationResult run = SimulatedWorld(config).run();
  ENSURE(run.finished, "the simulated run did not end: " << run.stuck);
  layout.step_seconds = run.step_seconds;
  layout.tokens_per_second = run.tokens_per_second;
  layout.generator_idle = run.idle_share[static_cast<size_t>(Role::kGenerator)];
  layout.verifier_idle = run.idle_share[static_cast<size_t>(Role::kVerifier)];
  layout.localizer_idle = run.idle_share[static_cast<size_t>(Role::kLocalizer)];
  layout.learner_idle = run.learner_idle_share;
  return layout;
}

std::vector<LayoutEstimate> propose_layout(const SimulationConfig& job,
                                           uint32_t num_ranks) {
  REQUIRE(num_ranks >= 5, kBadInput,
          num_ranks << " ranks (expected at least 5: a scheduler, and one of each role)");
  Search search(job);
  Counts best = proportional(job, num_ranks - 1);
  search.step_seconds(best);
  for (uint32_t count = std::max(1U, num_ranks / 8); count > 0; count /= 2) {
    for (Counts next = search.best_move(best, count); next != best;
         next = search.best_move(best, count))
      best = next;
  }
  return search.ranked();
}

std::vector<std::string> table_of(const std::vector<LayoutEstimate>& layouts,
                                  size_t most) {
  std::vector<std::string> lines = {
      "generator  localization  verifier  learner   step s   tokens/s   idle: generator "
      " localization  verifier  learner"};
  for (size_t i = 0; i < std::min(most, layouts.size()); ++i) {
    const LayoutEstimate& each = layouts[i];
    char line[192];
    std::snprintf(line, sizeof line,
                  "%9u  %12u  %8u  %7u  %7.2f  %9.0f  %14.0f %%  %10.0f %%  %6.0f %%  "
                  "%5.0f %%",
                  each.generators, each.localizers, each.verifiers, each.learners,
                  each.step_seconds, each.tokens_per_second, each.generator_idle * 100,
                  each.localizer_idle * 100, each.verifier_idle * 100,
                  each.learner_idle * 100);
    lines.emplace_back(line);
  }
  return lines;
}

}  // namespace srpo::scheduler
