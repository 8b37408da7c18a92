#include "ranks/problem_source.h"

#include <cmath>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"
#include "ranks/weight_sync.h"
#include "rl/arithmetic_task.h"
#include "rl/countdown_task.h"
#include "rl/sums_task.h"
#include "storage/problem_set.h"
#include "storage/run_folder.h"

namespace srpo::ranks {
namespace {

/// Warm-start problems are numbered from here, so that they are not those of the
/// algorithm.
constexpr uint64_t kFirstDemonstration = uint64_t{1} << 40;

rl::ProblemSet set_of(const DataSource& source) {
  return source.held_out ? rl::ProblemSet::kHeldOut : rl::ProblemSet::kTrain;
}

/// Of the tasks that have worked solutions.
rl::WorkedProblem make_worked_problem(const DataSource& source, uint64_t seed,
                                      uint64_t number) {
  if (source.task == "countdown")
    return rl::make_countdown_problem(seed, number, source.countdown, set_of(source));
  return rl::make_arithmetic_problem(seed, number, source.arithmetic, set_of(source));
}

records::Problem make_problem(const DataSource& source, uint64_t seed, uint64_t number) {
  if (source.task == "sums")
    return rl::make_sum(seed, number, source.sums, set_of(source));
  return make_worked_problem(source, seed, number).problem;
}

/// The problems that a run worked on, each once, in the order of their first trees.
void add_recorded(const DataSource& source, std::vector<records::Problem>& all) {
  storage::ReplaySource replay(source.replay);
  std::set<std::string> known;
  int64_t seen = 0;
  while (const auto tree = replay.next_tree()) {
    if (!known.insert(tree->problem.id).second) continue;
    if (seen++ < source.skip) continue;
    all.push_back(tree->problem);
    if (source.limit > 0 && seen >= source.skip + source.limit) return;
  }
  REQUIRE(seen > source.skip, kBadConfig,
          source.replay.string() << " has " << seen
                                 << " recorded problems (expected more "
                                    "than skip = "
                                 << source.skip << ")");
}

void require_same_tokenizer(const std::string& theirs,
                            const std::filesystem::path& tokenizer,
                            const std::filesystem::path& run) {
  if (theirs.empty() || !std::filesystem::exists(tokenizer)) return;
  const std::string ours = storage::digest_of(core::read_file(tokenizer));
  REQUIRE(theirs == ours, kBadConfig,
          run.string() << " has tokens of another tokenizer: digest " << theirs
                       << " (expected " << ours << ", of " << tokenizer.string() << ")");
}

/// Trajectories that were good enough; `tokenizer`: whose ids they must be.
std::vector<Demonstration> read_demonstrations(const DataSource& source,
                                               const std::filesystem::path& tokenizer) {
  storage::ReplayFilter filter;
  filter.min_reward = source.min_reward;
  storage::ReplaySource replay(source.replay, filter);
  std::vector<Demonstration> out;
  int64_t seen = 0;
  while (auto found = replay.next_trajectory()) {
    if (found->chain.tokens.empty() || seen++ < source.skip) continue;
    out.push_back({std::move(found->prompt_tokens), std::move(found->chain.tokens)});
    if (source.limit > 0 && static_cast<int64_t>(out.size()) >= source.limit) break;
  }
  REQUIRE(!out.empty(), kBadConfig,
          source.replay.string() << " has no trajectory of reward " << source.min_reward
                                 << " or more to be shown (expected some)");
  require_same_tokenizer(replay.tokenizer_digest(), tokenizer, source.replay);
  return out;
}

void add_problems(const DataSource& source, uint64_t seed,
                  std::vector<records::Problem>& all) {
  if (!source.replay.empty()) return add_recorded(source, all);
  if (source.task.empty()) {
    storage::ProblemSetOptions options;
    options.kind = source.kind;
    if (source.limit > 0) options.limit = static_cast<size_t>(source.limit);
    options.skip = static_cast<size_t>(source.skip);
    const auto set = storage::ProblemSet::load(source.path, options);
    all.insert(all.end(), set.problems().begin(), set.problems().end());
    return;
  }
  for (int64_t number = 0; number < source.limit; ++number) {
    all.push_back(make_problem(source, seed, static_cast<uint64_t>(number)));
  }
}

/// Whole steps, from the first one on, of a run under the same seed.
void check_recorded_steps(const RunConfig& config, storage::RecordedSteps& steps) {
  const std::string run = config.replay_of.string();
  const std::vector<uint32_t> known = steps.steps();
  for (uint32_t step = 0; step < config.steps; ++step) {
    REQUIRE(step < known.size() && known[step] == step, kBadConfig,
            run << " has no recorded step " << step
                << " (expected all of run.steps = " << config.steps << ")");
  }
  if (config.steps == 0) return;
  storage::ReplaySource source(config.replay_of);
  source.next_tree();
  require_same_tokenizer(source.tokenizer_digest(),
                         model_folder(config).path / "tokenizer.json", config.replay_of);
  const auto first = steps.of_step(0);
  const uint64_t seed = first.front().fresh.front().seed;
  REQUIRE(seed == config.seed, kBadConfig,
          run << " was drawn under seed " << seed << " (expected run.seed = "
              << config.seed << ": a run's trajectories are those of its seed)");
}

}  // namespace

ProblemSource::ProblemSource(const RunConfig& config) : config_(config) {
  for (const DataSource& source : config.train) add_problems(source, config.seed, train_);
  for (const DataSource& source : config.validation) {
    add_problems(source, config.seed, validation_);
  }
  if (!config.replay_of.empty()) {
    steps_ = std::make_unique<storage::RecordedSteps>(config.replay_of);
    check_recorded_steps(config, *steps_);
    if (config.steps > 0) recorded_step(0);
  }
  const DataSource& shown = config.warm_start.data;
  if (config.warm_start.batches > 0 && !shown.replay.empty()) {
    recorded_ = read_demonstrations(shown, model_folder(config).path / "tokenizer.json");
  }
}

std::vector<records::Problem> ProblemSource::of_step(uint32_t step) const {
  std::vector<records::Problem> problems;
  const uint64_t first = uint64_t{step} * config_.prompts_per_step;
  std::vector<size_t> order;
  uint64_t order_epoch = ~uint64_t{0};
  for (uint64_t i = first; i < first + config_.prompts_per_step; ++i) {
    const uint64_t epoch = i / train_.size();
    if (epoch != order_epoch) {
      order = core::shuffled_order(
          train_.size(), core::Rng(config_.seed, core::Purpose::kDataOrder, epoch));
      order_epoch = epoch;
    }
    problems.push_back(train_[order[i % train_.size()]]);
  }
  return problems;
}

std::vector<records::RolloutTree> ProblemSource::recorded_step(uint32_t step) const {
  ENSURE(steps_ != nullptr, "a job without data.replay has no recorded steps");
  auto trees = steps_->of_step(step);
  const uint32_t wanted = config_.prompts_per_step;
  REQUIRE(trees.size() == wanted && trees.back().slot + 1 == wanted, kBadConfig,
          config_.replay_of.string()
              << " has " << trees.size() << " problems of step " << step
              << ", up to number " << trees.back().slot << " (expected all of 0 .. "
              << wanted - 1
              << ", learner.prompts_per_step; steps with dropped problems cannot be "
                 "trained on again)");
  return trees;
}

std::vector<Demonstration> ProblemSource::recorded_demonstrations(uint32_t batch) const {
  const uint64_t size = config_.warm_start.batch_size;
  std::vector<Demonstration> out;
  std::vector<size_t> order;
  uint64_t order_epoch = ~uint64_t{0};
  for (uint64_t i = batch * size; i < (batch + 1) * size; ++i) {
    const uint64_t epoch = i / recorded_.size();
    if (epoch != order_epoch) {
      order = core::shuffled_order(recorded_.size(),
                                   core::Rng(config_.seed, core::Purpose::kDataOrder,
                                             kFirstDemonstration + epoch));
      order_epoch = epoch;
    }
    out.push_back(recorded_[order[i % recorded_.size()]]);
  }
  return out;
}

std::vector<Demonstration> ProblemSource::demonstrations(
    uint32_t batch, const text::Tokenizer& tokenizer) const {
  if (!recorded_.empty()) return recorded_demonstrations(batch);
  const WarmStart& warm = config_.warm_start;
  // The first places of a batch are localizations, the next ones hasty solutions.
  const double localizations = std::round(warm.localization_share * warm.batch_size);
  const double hasty =
      localizations + std::round(warm.hasty_share * (warm.batch_size - localizations));
  const auto end_of_text = tokenizer.eos_id();
  std::vector<Demonstration> out;
  for (uint32_t i = 0; i < warm.batch_size; ++i) {
    const uint64_t number = kFirstDemonstration + uint64_t{batch} * warm.batch_size + i;
    const rl::WorkedProblem problem =
        make_worked_problem(warm.data, config_.seed, number);
    const auto demonstrate = i < localizations ? rl::localization_demonstration
                             : i < hasty       ? rl::hasty_demonstration
                                               : rl::solve_demonstration;
    const rl::Demonstration text = demonstrate(config_.prompt_style, problem);
    Demonstration& demonstration = out.emplace_back();
    demonstration.prompt_tokens = tokenizer.encode(text.prompt);
    demonstration.response_tokens = tokenizer.encode(text.response, false);
    if (end_of_text) demonstration.response_tokens.push_back(*end_of_text);
  }
  return out;
}

}  // namespace srpo::ranks
