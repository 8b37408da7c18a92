#include "ranks/simulate_job.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include <nlohmann/json.hpp>

#include "analysis/table.h"
#include "core/error.h"
#include "core/files.h"
#include "ranks/progress_line.h"
#include "ranks/scheduler_setup.h"
#include "ranks/start_up.h"
#include "rl/algorithm.h"
#include "storage/replay_source.h"

namespace srpo::ranks {
namespace {

using analysis::Table;
using scheduler::LayoutEstimate;
using scheduler::WorldModel;

/// The newest steps tell most; more trees than this tell nothing more.
constexpr size_t kMostTrees = 4096;
/// A number of ranks is proposed while a rank gives so much of what it gives at best.
constexpr double kWorthwhile = 0.7;

/// Mean seconds for a token of one learner rank, by the steps that were trained.
void fit_training(const RunConfig& config, FittedWorld& world) {
  const auto path = config.folder / "metrics.jsonl";
  if (!std::filesystem::exists(path)) return;
  std::istringstream lines(core::read_file(path));
  double seconds = 0;
  double tokens = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("train/tokens")) continue;
    seconds += json.value("train/seconds", 0.0);
    tokens += json.value("train/tokens", 0.0);
    ++world.trained_steps;
  }
  const int learners = std::max(1, config.ranks.learner);
  if (tokens > 0) world.model.train_seconds_per_token = seconds * learners / tokens;
}

scheduler::SimulationConfig simulation_of(const core::ConfigTable& job,
                                          const WorldModel& world) {
  const RunConfig config = RunConfig::read(job);
  RankLayout any;  // counts come from the layouts that are tried
  scheduler::SimulationConfig simulation;
  simulation.scheduler = scheduler_config(
      config, rl::make_algorithm(algorithm_section(job))->draw_plan(), any);
  simulation.model = world;
  simulation.seed = config.seed;
  simulation.problems_per_step = config.prompts_per_step;
  return simulation;
}

uint32_t ranks_of(const LayoutEstimate& layout) {
  return 1 + layout.generators + layout.localizers + layout.verifiers + layout.learners;
}

LayoutEstimate counts_of(const RoleCounts& ranks) {
  LayoutEstimate layout;
  layout.generators = static_cast<uint32_t>(ranks.generator);
  layout.localizers = static_cast<uint32_t>(ranks.localization);
  layout.verifiers = static_cast<uint32_t>(ranks.verifier);
  layout.learners = static_cast<uint32_t>(ranks.learner);
  return layout;
}

std::string percent(double share) { return fixed(100 * share, 0) + " %"; }

void add_layout(const std::string& name, const LayoutEstimate& each, Table& table) {
  const uint32_t ranks = ranks_of(each);
  table.add_row(
      {name, uint64_t{ranks}, uint64_t{each.generators}, uint64_t{each.localizers},
       uint64_t{each.verifiers}, uint64_t{each.learners}, fixed(each.step_seconds, 2),
       fixed(each.tokens_per_second, 0), fixed(each.tokens_per_second / ranks, 0),
       percent(each.generator_idle), percent(each.localizer_idle),
       percent(each.verifier_idle), percent(each.learner_idle)});
}

Table layout_table(const std::string& name) {
  return Table(name, {"layout", "ranks", "generator", "localization", "verifier",
                      "learner", "step, s", "tokens/s", "tokens/s a rank",
                      "idle: generator", "localization", "verifier", "learner"});
}

Table model_table(const FittedWorld& world, const RunConfig& config) {
  const WorldModel& model = world.model;
  const std::string fitted = world.trees == 0
                                 ? "assumed"
                                 : "fitted to " + std::to_string(world.trees) +
                                       " trees of " + config.folder.string();
  const std::string trained =
      world.trained_steps == 0
          ? "assumed"
          : "measured in " + std::to_string(world.trained_steps) + " steps";
  Table table("what is simulated", {"quantity", "value", "how it is known"});
  table.add_row({"tokens of a chain, median", fixed(model.response_at(0.5), 0), fitted});
  table.add_row({"tokens of a chain, 95 %", fixed(model.response_at(0.95), 0), fitted});
  table.add_row(
      {"seconds for a token, 1 chain", fixed(model.seconds_per_token(1), 7), fitted});
  table.add_row(
      {"seconds for a token, 16 chains", fixed(model.seconds_per_token(16), 7), fitted});
  table.add_row({"success of a fresh chain", fixed(model.success_rate, 2), fitted});
  table.add_row({"seconds to verify", fixed(model.verifier_seconds, 7), fitted});
  table.add_row({"seconds to localize", fixed(model.localization_seconds, 4), fitted});
  table.add_row({"seconds to train a token, 1 rank",
                 fixed(model.train_seconds_per_token, 7), trained});
  table.add_row({"seconds to publish weights", fixed(model.publish_seconds, 2),
                 std::string("assumed")});
  return table;
}

std::vector<uint32_t> default_counts(const RunConfig& config) {
  const uint32_t asked =
      config.ranks.is_auto() ? 8 : std::max(5U, ranks_of(counts_of(config.ranks)));
  std::vector<uint32_t> counts = {5, asked / 2, asked, asked * 2, asked * 4};
  std::erase_if(counts, [](uint32_t count) { return count < 5; });
  return counts;
}

/// The most ranks that are worth their while.
const LayoutEstimate& propose(const std::vector<LayoutEstimate>& fastest) {
  double best = 0;
  for (const auto& each : fastest)
    best = std::max(best, each.tokens_per_second / ranks_of(each));
  const LayoutEstimate* proposal = &fastest.front();
  for (const auto& each : fastest) {
    if (each.tokens_per_second / ranks_of(each) >= kWorthwhile * best) proposal = &each;
  }
  return *proposal;
}

void simulate(const core::ConfigTable& job, std::vector<uint32_t> rank_counts) {
  const RunConfig config = RunConfig::read(job);
  const FittedWorld world = world_of(job);
  if (rank_counts.empty()) rank_counts = default_counts(config);
  std::sort(rank_counts.begin(), rank_counts.end());
  rank_counts.erase(std::unique(rank_counts.begin(), rank_counts.end()),
                    rank_counts.end());
  Table table = layout_table("layouts");
  if (!config.ranks.is_auto())
    add_layout("the job's", layout_of(job, world.model, counts_of(config.ranks)), table);
  std::vector<LayoutEstimate> fastest;
  for (const uint32_t ranks : rank_counts) {
    const auto layouts = layouts_of(job, world.model, ranks);
    fastest.push_back(layouts.front());
    add_layout("fastest of " + std::to_string(layouts.size()) + " tried", layouts.front(),
               table);
  }
  std::fputs(analysis::write_tables({model_table(world, config), table},
                                    analysis::OutputFormat::kTable)
                 .c_str(),
             stdout);
  const LayoutEstimate& proposal = propose(fastest);
  std::printf(
      "\nproposal: %u ranks\n  ranks: {scheduler: 1, generator: %u, localization: %u, "
      "verifier: %u, learner: %u}\n(the most ranks of which each still gives %.0f %% of "
      "the tokens/s that one gives at best)\n",
      ranks_of(proposal), proposal.generators, proposal.localizers, proposal.verifiers,
      proposal.learners, 100 * kWorthwhile);
}

}  // namespace

FittedWorld world_of(const core::ConfigTable& job) {
  const RunConfig config = RunConfig::read(job);
  FittedWorld world;
  const double most = config.limits.response_tokens;
  for (double& tokens : world.model.response_tokens) tokens = std::min(tokens, most);
  if (!std::filesystem::is_directory(config.folder / "replay")) return world;
  std::vector<records::RolloutTree> trees;
  storage::ReplaySource source(config.folder);
  while (auto tree = source.next_tree()) {
    if (tree->validation || tree->fresh.empty()) continue;
    if (trees.size() == kMostTrees) trees.erase(trees.begin(), trees.begin() + 1024);
    trees.push_back(std::move(*tree));
  }
  world.trees = trees.size();
  if (!trees.empty()) world.model = scheduler::fit_world_model(trees, world.model);
  fit_training(config, world);
  return world;
}

std::vector<LayoutEstimate> layouts_of(const core::ConfigTable& job,
                                       const WorldModel& world, uint32_t ranks) {
  return scheduler::propose_layout(simulation_of(job, world), ranks);
}

LayoutEstimate layout_of(const core::ConfigTable& job, const WorldModel& world,
                         const LayoutEstimate& counts) {
  return scheduler::simulate_layout(simulation_of(job, world), counts);
}

int simulate_main(const std::string& job_file,
                  const std::vector<std::string>& assignments,
                  std::vector<uint32_t> rank_counts) {
  try {
    simulate(load_job(job_file, assignments), std::move(rank_counts));
    return 0;
  } catch (const core::Error& error) {
    std::fprintf(stderr, "srpo_cluster: %s\n", error.what());
    return core::exit_code(error.kind());
  }
}

}  // namespace srpo::ranks
