#include "scheduler/batch_assembly.h"

#include "test_world.h"

namespace srpo::scheduler {
namespace {

RolloutTree tree_of(const std::vector<double>& base, const std::vector<double>& endings) {
  RolloutTree tree;
  for (const double reward : base) {
    tree.fresh.emplace_back().verdict.reward = reward;
  }
  for (const double reward : endings) {
    tree.suffixes.emplace_back().verdict.reward = reward;
    tree.suffixes.back().use = Use::kSuffix;
  }
  return tree;
}

TEST(BatchAssembly, SeesASignalOnlyWithinAGroup) {
  records::DrawPlan plan;
  EXPECT_FALSE(has_signal(tree_of({1, 1, 1, 1}, {0, 0, 0, 0}), plan));
  EXPECT_TRUE(has_signal(tree_of({1, 0, 1, 1}, {0, 0, 0, 0}), plan));
  EXPECT_TRUE(has_signal(tree_of({1, 1, 1, 1}, {0, 0, 0, 0.5}), plan));
  EXPECT_FALSE(has_signal(tree_of({}, {0, 0, 0, 0, 1, 1, 1, 1}), plan)) << "two groups";
  RolloutTree seeded = tree_of({1, 1, 0}, {});
  seeded.fresh[2].use = Use::kSeed;
  EXPECT_FALSE(has_signal(seeded, plan)) << "the seed is in no group";
}

/// Even problems are always solved, and so teach nothing.
bool solves(const TrajectoryId& id) {
  return id.slot % 2 == 0 || with_probability(0.5)(id);
}

TEST(DynamicSampling, ReplacesProblemsWithoutSignalUpToItsCap) {
  SchedulerConfig config = srpo_config();
  config.dynamic_sampling = 3;
  World world(config, solves, 1);
  world.run();
  for (const auto& [step, trees] : world.batches_) {
    EXPECT_EQ(trees.size(), 6u) << "step " << step;
    uint32_t last = 0;
    for (const RolloutTree& tree : trees) {
      EXPECT_TRUE(has_signal(tree, config.draws.plan));
      EXPECT_GE(tree.slot, last) << "in slot order";
      last = tree.slot;
    }
  }
  World hopeless(
      config, [](const TrajectoryId&) { return true; }, 1);
  hopeless.run();
  for (const auto& [step, trees] : hopeless.batches_) EXPECT_TRUE(trees.empty());
  EXPECT_EQ(hopeless.scheduler_.ledger().accepted, 3u * 18u + 3u * 6u)
      << "three times the problems of each step, and the validations";
}

TEST(DynamicSampling, OnlySkipsAtFactorOne) {
  SchedulerConfig config = srpo_config();
  config.dynamic_sampling = 1;
  World world(config, solves, 1);
  world.run();
  for (const auto& [step, trees] : world.batches_) {
    EXPECT_LE(trees.size(), 3u);
    for (const RolloutTree& tree : trees) EXPECT_EQ(tree.slot % 2, 1u);
  }
}

TEST(DynamicSampling, GivesTheSameBatchesInAnyOrderOfArrivalAndAfterAResume) {
  SchedulerConfig config = srpo_config();
  config.dynamic_sampling = 3;
  World first(config, solves, 0);
  first.run();
  const core::Bytes expected = batch_bytes(first);
  for (uint64_t seed = 1; seed < 200; ++seed) {
    SchedulerConfig other_config = config;
    other_config.trees_in_flight = static_cast<uint32_t>(seed % 5);
    World other(other_config, solves, seed);
    other.asks_why_ = false;
    other.run();
    ASSERT_EQ(batch_bytes(other), expected) << "seed " << seed;
  }
  auto recorded = first.recorded();
  World resumed(config, solves, 9, 0, Progress{0, 2}, recorded);
  resumed.run();
  EXPECT_EQ(core::to_bytes(resumed.batches_.at(2)), core::to_bytes(first.batches_.at(2)));
}

}  // namespace
}  // namespace srpo::scheduler
