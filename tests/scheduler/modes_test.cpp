// How far drawing may run ahead of training: order of the stages, lag, determinism.
#include <cstdlib>

#include "scheduler/simulated_world.h"
#include "test_world.h"

namespace srpo::scheduler {
namespace {

SchedulerConfig mode_config(Mode mode, uint32_t staleness = 1) {
  SchedulerConfig config = srpo_config();
  config.mode = mode;
  config.max_staleness = staleness;
  config.steps = 5;
  return config;
}

size_t place_of(const World& world, const std::string& entry) {
  const auto at = std::find(world.log_.begin(), world.log_.end(), entry);
  EXPECT_NE(at, world.log_.end()) << entry << " never happened";
  return static_cast<size_t>(at - world.log_.begin());
}

TEST(OneStepOff, OpensAStepBeforeTheOneBeforeItIsTrained) {
  World world(mode_config(Mode::kOneStepOff), with_probability(0.5), 1);
  world.run();
  for (uint32_t step = 0; step + 1 < 5; ++step) {
    const size_t trained = place_of(world, "train " + std::to_string(step));
    EXPECT_LT(place_of(world, "step " + std::to_string(step + 1)), trained);
    EXPECT_LT(place_of(world, "publish " + std::to_string(step)), trained);
  }
  EXPECT_EQ(world.scheduler_.max_lag(), 1u);
  EXPECT_EQ(world.log_.back(), "finish");
}

TEST(OneStepOff, GivesTheSameBatchesInAnyOrderOfArrival) {
  World first(mode_config(Mode::kOneStepOff), with_probability(0.6), 0);
  first.run();
  const core::Bytes expected = batch_bytes(first);
  for (uint64_t seed = 1; seed < 200; ++seed) {
    SchedulerConfig config = mode_config(Mode::kOneStepOff);
    config.generators.workers = 1 + static_cast<uint32_t>(seed % 7);
    config.trees_in_flight = static_cast<uint32_t>(seed % 4);
    World other(config, with_probability(0.6), seed);
    other.asks_why_ = false;
    other.run();
    ASSERT_EQ(batch_bytes(other), expected) << "seed " << seed;
  }
}

TEST(OneStepOff, ResumesFromItsCheckpointsWithoutDrawingWithWeightsThatAreGone) {
  World first(mode_config(Mode::kOneStepOff), with_probability(0.6), 0);
  first.run();
  for (size_t stop = 2; stop < first.log_.size(); ++stop) {
    World cut(mode_config(Mode::kOneStepOff), with_probability(0.6), stop);
    cut.stop_after_ = stop;
    cut.run();
    if (!cut.checkpoint_ || cut.checkpoint_->progress.steps == 5) continue;
    const uint32_t step = cut.checkpoint_->progress.steps;
    uint32_t recorded = 0;
    for (const auto& [key, tree] : cut.recorded())
      recorded += std::get<0>(key) == step && !std::get<2>(key) ? 1 : 0;
    EXPECT_EQ(recorded, 6u) << "the whole of step " << step << " is on the disk";
  }
}

/// Every problem is trained on once, none is older than the bound.
void expect_whole(const World& world, const SchedulerConfig& config) {
  std::set<std::pair<uint32_t, uint32_t>> trained;
  for (const auto& [step, trees] : world.batches_) {
    EXPECT_EQ(trees.size(), config.problems_per_step) << "step " << step;
    for (const RolloutTree& tree : trees)
      EXPECT_TRUE(trained.emplace(tree.step, tree.slot).second) << "trained on twice";
  }
  EXPECT_EQ(world.batches_.size(), config.steps);
  EXPECT_LE(world.scheduler_.max_lag(), config.max_staleness);
}

TEST(Async, TrainsOnEveryProblemOnceWithinItsBoundInAnyOrderOfArrival) {
  for (const uint32_t staleness : {0U, 1U, 3U}) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
      SchedulerConfig config = mode_config(Mode::kAsync, staleness);
      config.trees_in_flight = static_cast<uint32_t>(seed % 5);
      World world(config, with_probability(0.6), seed);
      world.asks_why_ = seed < 5;
      world.run();
      expect_whole(world, config);
    }
  }
}

TEST(Async, ReplacesProblemsThatAreDropped) {
  SchedulerConfig config = mode_config(Mode::kAsync, 2);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    World world(config, with_probability(0.6), seed);
    world.asks_why_ = false;
    world.is_poison_ = [](const TrajectoryId& id) {
      return id.kind == DrawKind::kFresh && id.slot % 3 == 1;
    };
    world.run();
    expect_whole(world, config);
    EXPECT_GE(world.drops_, 2u);
    EXPECT_EQ(world.scheduler_.ledger().dropped(), world.drops_);
  }
}

TEST(Async, SkipsProblemsWithoutSignal) {
  SchedulerConfig config = mode_config(Mode::kAsync, 1);
  config.dynamic_sampling = 4;
  World world(
      config,
      [](const TrajectoryId& id) {
        return id.slot % 2 == 0 || with_probability(0.5)(id);
      },
      7);
  world.run();
  expect_whole(world, config);
  for (const auto& [step, trees] : world.batches_) {
    for (const RolloutTree& tree : trees) EXPECT_EQ(tree.slot % 2, 1u);
  }
}

TEST(Async, GoesOnFromAnyCheckpointAndTrainsOnNothingTwice) {
  SchedulerConfig config = mode_config(Mode::kAsync, 2);
  config.checkpoint_every = 1;
  size_t entries = 0;
  {
    World first(config, with_probability(0.6), 0);
    first.run();
    entries = first.log_.size();
  }
  for (size_t stop = 2; stop < entries; ++stop) {
    World cut(config, with_probability(0.6), stop);
    cut.stop_after_ = stop;
    cut.run();
    const Progress progress = cut.checkpoint_ ? cut.checkpoint_->progress : Progress{};
    World resumed(config, with_probability(0.6), stop + 50, 0, progress, cut.recorded(),
                  cut.checkpoint_ ? cut.checkpoint_->state : SchedulerState{});
    resumed.run();
    std::set<std::pair<uint32_t, uint32_t>> trained;
    const auto take = [&](const World& world, uint32_t from, uint32_t to) {
      for (const auto& [step, trees] : world.batches_) {
        if (step < from || step >= to) continue;
        EXPECT_EQ(trees.size(), 6u);
        for (const RolloutTree& tree : trees)
          EXPECT_TRUE(trained.emplace(tree.step, tree.slot).second)
              << tree.step << "/" << tree.slot << " twice, stopped after " << stop;
      }
    };
    take(cut, 0, progress.steps);
    take(resumed, progress.steps, 99);
    EXPECT_EQ(trained.size(), 30u) << "stopped after " << stop;
  }
}

TEST(Async, NeedsToKnowHowManyProblemsAStepHas) {
  SchedulerConfig config = mode_config(Mode::kAsync);
  config.problems_per_step = 0;
  EXPECT_THROW(Scheduler(config, {}), core::Error);
}

/// Shortest to longest waiting for one another.
TEST(Modes, RunAheadOfTrainingAsFarAsTheyMay) {
  std::map<Mode, double> seconds;
  for (const Mode mode : {Mode::kSync, Mode::kOneStepOff, Mode::kAsync}) {
    SimulationConfig config;
    config.scheduler.mode = mode;
    config.scheduler.max_staleness = 2;
    config.scheduler.steps = 8;
    config.scheduler.problems_per_step = 32;
    config.scheduler.generators.workers = 8;
    config.scheduler.verifiers.workers = 2;
    config.model.train_seconds_per_token = 1e-4;
    const SimulationResult result = SimulatedWorld(config).run();
    ASSERT_TRUE(result.finished) << result.stuck;
    seconds[mode] = result.seconds;
    EXPECT_LE(result.max_lag, mode == Mode::kSync ? 0u : mode == Mode::kAsync ? 2u : 1u);
  }
  EXPECT_LT(seconds[Mode::kOneStepOff], 0.9 * seconds[Mode::kSync]);
  EXPECT_LT(seconds[Mode::kAsync], 0.9 * seconds[Mode::kOneStepOff]);
}

}  // namespace
}  // namespace srpo::scheduler
