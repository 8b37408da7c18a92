#include "test_world.h"

namespace srpo::scheduler {
namespace {

TEST(Scheduler, RunsTheStagesInOrder) {
  SchedulerConfig config = srpo_config();
  config.demonstration_batches = 2;
  World world(config, with_probability(0.5), 1);
  world.run();
  EXPECT_EQ(world.log_,
            (std::vector<std::string>{
                "demonstrations 0", "demonstrations 1", "checkpoint 0", "validate 0",
                "publish 0", "step 0", "train 0", "step 1", "publish 1", "train 1",
                "checkpoint 2", "validate 2", "publish 2", "step 2", "train 2",
                "checkpoint 3", "validate 3", "publish 3", "finish"}));
}

TEST(Scheduler, KeepsTheMethodsCountsWhenSomeChainFails) {
  World world(srpo_config(), with_probability(0.5), 2);
  world.run();
  for (const auto& [step, trees] : world.batches_) {
    for (const RolloutTree& tree : trees) {
      if (!tree.seed()) continue;
      EXPECT_EQ(count(tree, Use::kBase), 4u);
      EXPECT_EQ(count(tree, Use::kSeed), 1u);
      EXPECT_EQ(tree.suffixes.size(), 4u);
      EXPECT_TRUE(tree.localization.has_value());
      for (const Trajectory& suffix : tree.suffixes) {
        EXPECT_EQ(suffix.prefix_length, tree.prefix_length);
      }
    }
  }
}

TEST(Scheduler, TakesTheFirstFailureInLaunchOrderAsSeed) {
  World world(
      srpo_config(),
      [](const TrajectoryId& id) { return id.index != 2 && id.index != 4; }, 3);
  world.run();
  for (const RolloutTree& tree : world.batches_.at(0)) {
    ASSERT_EQ(tree.fresh.size(), 5u);
    EXPECT_EQ(tree.seed(), &tree.fresh[2]);
    EXPECT_EQ(tree.fresh[4].use, Use::kBase);
  }
}

TEST(Scheduler, DrawsFiveWhenAllAreWrong) {
  World world(
      srpo_config(), [](const TrajectoryId&) { return false; }, 4);
  world.run();
  for (const RolloutTree& tree : world.batches_.at(0)) {
    EXPECT_EQ(tree.fresh.size(), 5u);
    EXPECT_EQ(tree.seed(), &tree.fresh[0]);
  }
}

TEST(Scheduler, FallsBackToEightFreshChainsWhenAllAreRight) {
  World world(
      srpo_config(), [](const TrajectoryId&) { return true; }, 5);
  world.run();
  for (const RolloutTree& tree : world.batches_.at(0)) {
    ASSERT_EQ(tree.fresh.size(),
              16u);  // method §2.2: 12 draws, then 4 more; first and last four are kept
    EXPECT_EQ(tree.seed(), nullptr);
    for (size_t i = 0; i < 16; ++i) {
      EXPECT_EQ(tree.fresh[i].use, i < 4 || i >= 12 ? Use::kBase : Use::kSurplus) << i;
    }
    EXPECT_TRUE(tree.suffixes.empty());
  }
}

TEST(Scheduler, DrawsOnUntilALateFailure) {
  World world(
      srpo_config(),
      [](const TrajectoryId& id) { return id.kind != DrawKind::kFresh || id.index != 6; },
      6);
  world.run();
  for (const RolloutTree& tree : world.batches_.at(0)) {
    ASSERT_EQ(tree.fresh.size(), 7u);  // two more were drawn in vain
    EXPECT_EQ(tree.seed(), &tree.fresh[6]);
    EXPECT_EQ(count(tree, Use::kBase), 4u);
    EXPECT_EQ(count(tree, Use::kSurplus), 2u);
  }
}

TEST(Scheduler, DrawsOneGroupWithoutResetForGrpo) {
  SchedulerConfig config = srpo_config();
  config.draws.plan.base_group = 8;
  config.draws.plan.suffix_group = 0;
  World world(config, with_probability(0.5), 7);
  world.run();
  for (const RolloutTree& tree : world.batches_.at(0)) {
    EXPECT_EQ(tree.fresh.size(), 8u);
    EXPECT_EQ(count(tree, Use::kBase), 8u);
    EXPECT_FALSE(tree.localization.has_value());
  }
}

TEST(Scheduler, GivesTheSameBatchesInAnyOrderOfArrivalAndOnAnyNumberOfWorkers) {
  World first(srpo_config(), with_probability(0.6), 0);
  first.run();
  const core::Bytes expected = batch_bytes(first);
  for (uint64_t seed = 1; seed < 1000; ++seed) {
    SchedulerConfig config = srpo_config();
    config.generators.workers = 1 + static_cast<uint32_t>(seed % 7);
    config.trees_in_flight = static_cast<uint32_t>(seed % 4);
    World other(config, with_probability(0.6), seed);
    other.run();
    ASSERT_EQ(batch_bytes(other), expected) << "seed " << seed;
  }
}

TEST(Scheduler, SurvivesLostWorkWithTheSameResultUnlessItDropsAProblem) {
  World first(srpo_config(), with_probability(0.6), 0);
  first.run();
  const core::Bytes expected = batch_bytes(first);
  int equal = 0;
  for (uint64_t seed = 1; seed < 300; ++seed) {
    World other(srpo_config(), with_probability(0.6), seed, /*failure_rate=*/0.02);
    other.run();
    ASSERT_EQ(other.scheduler_.ledger().dropped(), other.drops_);
    if (other.drops_ == 0) {
      ASSERT_EQ(batch_bytes(other), expected) << "seed " << seed;
      ++equal;
    }
  }
  EXPECT_GT(equal, 100);
}

TEST(Scheduler, DropsAProblemAfterThreeFailures) {
  World world(srpo_config(), with_probability(0.6), 1, /*failure_rate=*/1.0);
  world.run();
  EXPECT_GT(world.drops_, 0u);
  EXPECT_TRUE(world.recorded().empty());
}

TEST(Scheduler, TrainsOnRecordedTreesWithoutDrawingThemAgain) {
  World first(srpo_config(), with_probability(0.6), 0);
  first.run();
  auto recorded = first.recorded();
  World resumed(srpo_config(), with_probability(0.6), 5, 0, Progress{0, 2}, recorded);
  resumed.run();
  EXPECT_EQ(resumed.log_,
            (std::vector<std::string>{"validate 2", "step 2", "train 2", "checkpoint 3",
                                      "validate 3", "finish"}));
  EXPECT_EQ(core::to_bytes(resumed.batches_.at(2)), core::to_bytes(first.batches_.at(2)));
}

TEST(Scheduler, ReleasesEveryRetainedCache) {
  World world(srpo_config(), with_probability(0.6), 8);
  world.run();
  for (const auto& [key, tree] : world.recorded()) {
    if (tree.validation) continue;
    for (const Trajectory& chain : tree.fresh) {
      EXPECT_TRUE(world.released_.contains(chain.id)) << chain.id.to_string();
    }
  }
}

}  // namespace
}  // namespace srpo::scheduler
