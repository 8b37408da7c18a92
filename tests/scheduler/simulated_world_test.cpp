// The scheduler under seeded worlds with everything that can go wrong.
#include "scheduler/simulated_world.h"

#include <cstdlib>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/archive.h"

namespace srpo::scheduler {
namespace {

using records::RolloutTree;

uint64_t number_of_cases(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// A few problems on a few workers, all faults on for a while, then a calm in which
/// everything must come to its end.
SimulationConfig small_world(uint64_t seed) {
  core::Rng rng(seed, core::Purpose::kTest, 77);
  SimulationConfig config;
  config.seed = seed;
  SchedulerConfig& of = config.scheduler;
  const uint64_t mode = rng.below(3);
  of.mode = static_cast<Mode>(mode);
  of.max_staleness = static_cast<uint32_t>(rng.below(4));
  of.steps = rng.below(3) > 0 ? 1 : 1 + static_cast<uint32_t>(rng.below(3));
  config.problems_per_step = 1 + static_cast<uint32_t>(rng.below(2));
  of.problems_per_step = config.problems_per_step;
  of.trees_in_flight = static_cast<uint32_t>(rng.below(3));
  of.validate_every = rng.below(4) == 0 ? 1 : 0;
  config.validation_problems = 1;
  of.checkpoint_every = 1 + static_cast<uint32_t>(rng.below(3));
  of.dynamic_sampling = rng.below(3) == 0 ? 2 : 0;
  const char* splits[] = {"1x4", "1x8", "2x4"};
  of.draws.plan = *records::DrawPlan::of_split(splits[rng.below(3)]);
  of.draws.plan.base_group = std::min(2U, of.draws.plan.base_group);
  of.draws.plan.suffix_group = 2;
  of.draws.plan.fallback_group = 4;
  of.draws.plan.max_draws = 5;
  of.generators = {1 + static_cast<uint32_t>(rng.below(4)),
                   static_cast<uint32_t>(rng.below(3)), std::chrono::seconds(1)};
  of.verifiers = {1 + static_cast<uint32_t>(rng.below(3)),
                  static_cast<uint32_t>(rng.below(2)), std::chrono::seconds(1)};
  of.localizers = {1 + static_cast<uint32_t>(rng.below(2)), 0, std::chrono::seconds(1)};
  if (rng.below(2) == 0) {
    config.faults.kills_per_hour = 60;
    config.faults.straggler_share = 0.1;
    config.faults.failure_share = 0.05;
    config.faults.duplicate_share = 0.1;
    config.faults.slow_share = 0.2;
    config.faults.poison_share = 0.05;
    config.faults.faults_end_at = 300;
  }
  config.most_events = 100000;
  return config;
}

/// Looks at everything that is promised.
class Witness {
 public:
  explicit Witness(SimulatedWorld& world, const SimulationConfig& config)
      : config_(config) {
    world.after_event = [this](const Scheduler& scheduler) {
      whole_ = whole_ && scheduler.ledger().closes() && scheduler.sequences().closes();
    };
    world.on_train = [this](const commands::Train& train) {
      for (const RolloutTree& tree : train.trees) {
        once_ = once_ && trained_.emplace(tree.step, tree.slot).second;
        known_ = known_ && recorded_.contains({tree.step, tree.slot});
      }
    };
    world.on_record = [this](const commands::Record& record) {
      const RolloutTree& tree = record.tree;
      if (tree.validation) return;
      once_ = once_ && recorded_.emplace(tree.step, tree.slot).second;
    };
  }
  void judge(const SimulationResult& result) const {
    const uint64_t seed = config_.seed;
    ASSERT_TRUE(result.finished) << "seed " << seed << " is stuck:\n" << result.stuck;
    ASSERT_TRUE(whole_) << "seed " << seed << ": a ledger does not close";
    ASSERT_TRUE(once_) << "seed " << seed << ": counted twice";
    ASSERT_TRUE(known_) << "seed " << seed << ": trained on what is not recorded";
    const uint32_t bound = config_.scheduler.mode == Mode::kSync ? 0
                           : config_.scheduler.mode == Mode::kOneStepOff
                               ? 1
                               : config_.scheduler.max_staleness;
    ASSERT_LE(result.max_lag, bound) << "seed " << seed;
    ASSERT_EQ(result.sequences.in_flight, 0u) << "seed " << seed;
    if (config_.scheduler.mode == Mode::kAsync) {
      ASSERT_EQ(trained_.size(),
                config_.scheduler.steps * config_.scheduler.problems_per_step)
          << "seed " << seed;
    } else {
      ASSERT_EQ(result.problems.in_flight, 0u)
          << "seed " << seed << ": a problem is lost";
      if (config_.scheduler.dynamic_sampling == 0) {
        ASSERT_EQ(trained_, recorded_) << "seed " << seed;
      }
    }
  }
  const std::set<std::pair<uint32_t, uint32_t>>& trained() const { return trained_; }

 private:
  const SimulationConfig& config_;
  std::set<std::pair<uint32_t, uint32_t>> trained_;
  std::set<std::pair<uint32_t, uint32_t>> recorded_;
  bool whole_ = true;
  bool once_ = true;
  bool known_ = true;
};

TEST(SimulatedWorld, LosesNothingCountsNothingTwiceAndEndsUnderEverySeed) {
  const uint64_t cases = number_of_cases("SRPO_SCHEDULER_CASES", 100000);
  Happenings all;
  uint64_t killed = 0;
  for (uint64_t seed = 0; seed < cases; ++seed) {
    const SimulationConfig config = small_world(seed);
    SimulatedWorld world(config);
    Witness witness(world, config);
    const SimulationResult result = world.run();
    witness.judge(result);
    if (testing::Test::HasFatalFailure()) return;
    all.retries += result.happenings.retries;
    all.hedges += result.happenings.hedges;
    all.late_answers += result.happenings.late_answers;
    all.quarantined += result.happenings.quarantined;
    killed += config.faults.kills_per_hour > 0 ? 1 : 0;
  }
  // The faults have been there.
  if (cases < 1000) return;
  EXPECT_GT(all.retries, cases / 10);
  EXPECT_GT(all.hedges, cases / 1000);
  EXPECT_GT(all.late_answers, cases / 10);
  EXPECT_GT(all.quarantined, cases / 1000);
  EXPECT_GT(killed, cases / 3);
}

TEST(SimulatedWorld, ReplaysASeedIdentically) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<core::Bytes> trees[2];
    double seconds[2] = {};
    for (int i = 0; i < 2; ++i) {
      SimulatedWorld world(small_world(seed));
      world.on_record = [&](const commands::Record& record) {
        trees[i].push_back(core::to_bytes(record.tree));
      };
      seconds[i] = world.run().seconds;
    }
    EXPECT_EQ(seconds[0], seconds[1]);
    EXPECT_EQ(trees[0], trees[1]);
  }
}

SimulationConfig eight_generators() {
  SimulationConfig config;
  config.problems_per_step = 64;
  config.scheduler.steps = 6;
  config.scheduler.generators.workers = 8;
  config.scheduler.verifiers.workers = 4;
  config.scheduler.localizers.workers = 2;
  return config;
}

std::map<uint32_t, core::Bytes> batches_of(const SimulationConfig& config,
                                           SimulationResult* result = nullptr) {
  std::map<uint32_t, core::Bytes> batches;
  SimulatedWorld world(config);
  world.on_train = [&](const commands::Train& train) {
    core::ByteWriter writer;
    for (RolloutTree tree : train.trees) {
      for (auto* chains : {&tree.fresh, &tree.suffixes})
        for (auto& chain : *chains) chain.generator = 0;  // who drew it may differ
      writer.write(tree);
    }
    batches[train.step] = writer.take();
  };
  const SimulationResult run = world.run();
  EXPECT_TRUE(run.finished) << run.stuck;
  if (result != nullptr) *result = run;
  return batches;
}

TEST(SimulatedWorld, GivesTheBatchesOfACalmWorldUnderKillsStragglersAndDuplicates) {
  const auto calm = batches_of(eight_generators());
  for (uint32_t workers : {3U, 8U, 40U}) {
    SimulationConfig wild = eight_generators();
    wild.scheduler.generators.workers = workers;
    wild.scheduler.generators.hedge_floor = std::chrono::seconds(5);
    wild.faults.kills_per_hour = 0.5;
    wild.faults.straggler_share = 0.02;
    wild.faults.duplicate_share = 0.05;
    wild.faults.slow_share = 0.2;
    SimulationResult result;
    EXPECT_TRUE(batches_of(wild, &result) == calm) << workers << " workers";
    EXPECT_EQ(result.problems.dropped(), 0u);
    EXPECT_GT(result.happenings.late_answers, 0u);
  }
}

TEST(SimulatedWorld, LosesOnlyASlowWorkersShare) {
  SimulationConfig config = eight_generators();
  config.problems_per_step = 256;
  config.scheduler.prompt_slack = 2;
  config.scheduler.generators.slots = 32;
  config.scheduler.generators.hedge_floor = std::chrono::seconds(20);
  SimulationResult calm;
  batches_of(config, &calm);
  config.faults.slow_share = 0.125;
  config.faults.slow_factor = 4;
  for (config.seed = 0; config.seed < 100; ++config.seed) {
    core::Rng rng(config.seed, core::Purpose::kTest, ~uint64_t{0});
    int slow = 0;
    for (int i = 0; i < 8; ++i) slow += rng.uniform() < config.faults.slow_share ? 1 : 0;
    if (slow == 1) break;
  }
  SimulationConfig undisturbed = config;
  undisturbed.faults.slow_share = 0;
  batches_of(undisturbed, &calm);
  SimulationResult slowed;
  batches_of(config, &slowed);
  // Its share is an eighth; a slow worker still does a quarter of that.
  EXPECT_LT(slowed.seconds, calm.seconds * (1 + 1.5 * 0.125 / (1 - 0.125)));
}

TEST(SimulatedWorld, HedgingShortensStepsWithStragglers) {
  SimulationConfig config = eight_generators();
  config.faults.straggler_share = 0.005;
  config.faults.straggler_factor = 20;
  config.scheduler.generators.hedge_floor = Time(0);
  SimulationResult without;
  batches_of(config, &without);
  config.scheduler.generators.hedge_floor = std::chrono::seconds(10);
  SimulationResult with;
  batches_of(config, &with);
  EXPECT_GT(with.happenings.hedges_won, 0u);
  EXPECT_LT(with.seconds, 0.8 * without.seconds);
}

TEST(SimulatedWorld, KeepsWorkInTheQueueWhenVerifiersAreAHundredTimesSlower) {
  SimulationConfig config = eight_generators();
  config.scheduler.steps = 2;
  config.scheduler.trees_in_flight = 16;
  config.scheduler.verifiers = {2, 2, std::chrono::seconds(3600)};
  config.model.verifier_seconds = 20;
  SimulationResult result;
  batches_of(config, &result);
  EXPECT_EQ(result.problems.dropped(), 0u);
  EXPECT_LE(result.most_waiting, 16u * 9u) << "bounded by the problems in flight";
  EXPECT_GT(result.idle_share[0], 0.5) << "generators idle, and nothing fails";
  EXPECT_LT(result.idle_share[1], 0.1);
}

TEST(SimulatedWorld, QuarantinesPoisonAndGoesOn) {
  SimulationConfig config = eight_generators();
  config.faults.poison_share = 0.02;
  config.faults.respawn_seconds = 2;
  SimulationResult result;
  batches_of(config, &result);
  EXPECT_GT(result.happenings.quarantined, 0u);
  EXPECT_EQ(result.problems.dropped_by_reason.at("poison"),
            result.happenings.quarantined);
  EXPECT_LE(result.happenings.quarantined, 6u * 64u * 0.06) << "innocent ones are kept";
  EXPECT_EQ(result.problems.dropped_by_reason.size(), 1u);
}

TEST(SimulatedWorld, RunsTenThousandWorkers) {
  SimulationConfig config;
  config.problems_per_step = 4000;
  config.scheduler.steps = 1;
  config.scheduler.generators.workers = 10000;
  config.scheduler.verifiers.workers = 500;
  config.scheduler.localizers.workers = 100;
  const SimulationResult result = SimulatedWorld(config).run();
  EXPECT_TRUE(result.finished) << result.stuck;
  EXPECT_GT(result.tokens_per_second, 0);
}

}  // namespace
}  // namespace srpo::scheduler
