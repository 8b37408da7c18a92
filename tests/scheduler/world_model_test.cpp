#include "scheduler/world_model.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/archive.h"
#include "core/random.h"
#include "scheduler/simulated_world.h"

namespace srpo::scheduler {
namespace {

/// Trees as a generator at `chains` chains at once would have left them.
std::vector<records::RolloutTree> trees_of(double mean_seconds_per_token) {
  std::vector<records::RolloutTree> trees;
  core::Rng rng(1, core::Purpose::kTest, 5);
  for (int i = 0; i < 200; ++i) {
    records::RolloutTree& tree = trees.emplace_back();
    const double rate = 0.2 + 0.6 * rng.uniform();
    for (int c = 0; c < 8; ++c) {
      records::Trajectory& chain = tree.fresh.emplace_back();
      chain.decoded_tokens = static_cast<uint32_t>(100 + 900 * rng.uniform());
      chain.seconds = chain.decoded_tokens * mean_seconds_per_token;
      chain.verdict.reward = rng.uniform() < rate ? 1 : 0;
      chain.verdict.took_ms = 20 * std::exp(0.3 * rng.normal());
      chain.thought_ends = {1, 2, 3, 4};
    }
    tree.localization.emplace().seconds = 0.25;
  }
  return trees;
}

TEST(WorldModel, IsFittedToLengthsTimesAndSuccessOfRecordedTrees) {
  const WorldModel model = fit_world_model(trees_of(0.03));
  EXPECT_NEAR(model.response_at(0), 100, 5);
  EXPECT_NEAR(model.response_at(0.5), 550, 40);
  EXPECT_NEAR(model.response_at(1), 1000, 5);
  EXPECT_DOUBLE_EQ(model.thoughts, 4);
  EXPECT_NEAR(model.seconds_per_token(8), 0.03, 1e-6);
  EXPECT_NEAR(model.verifier_seconds, 0.0209, 0.001);
  EXPECT_NEAR(model.verifier_spread, 0.3, 0.03);
  EXPECT_DOUBLE_EQ(model.localization_seconds, 0.25);
  EXPECT_NEAR(model.success_rate, 0.5, 0.05);
  EXPECT_NEAR(model.success_spread, 0.6 / std::sqrt(12), 0.04);
}

TEST(WorldModel, KeepsItsDefaultsWithoutExamplesAndSurvivesItsBytes) {
  const WorldModel model = fit_world_model({});
  EXPECT_EQ(core::to_bytes(model), core::to_bytes(WorldModel{}));
  EXPECT_EQ(core::to_bytes(core::from_bytes<WorldModel>(core::to_bytes(model))),
            core::to_bytes(model));
}

TEST(WorldModel, LiesOnStraightLinesBetweenItsPoints) {
  WorldModel model;
  model.token_seconds = {{1, 0.01}, {11, 0.02}};
  EXPECT_DOUBLE_EQ(model.seconds_per_token(6), 0.015);
  EXPECT_DOUBLE_EQ(model.seconds_per_token(21), 0.03);
  model.token_seconds = {{4, 0.5}};
  EXPECT_DOUBLE_EQ(model.seconds_per_token(100), 0.5);
}

/// What a simulation records, fitted, gives the model it was simulated with.
TEST(WorldModel, RecoversTheModelThatASimulationWasDrawnFrom) {
  SimulationConfig config;
  config.scheduler.steps = 4;
  config.scheduler.generators.workers = 4;
  config.problems_per_step = 64;
  std::vector<records::RolloutTree> recorded;
  SimulatedWorld world(config);
  world.on_record = [&](const commands::Record& record) {
    recorded.push_back(record.tree);
  };
  ASSERT_TRUE(world.run().finished);
  // The four endings of a reset are drawn from the same lengths; fresh chains alone are
  // a biased sample, since the search for a failure stops at one.
  const WorldModel fitted = fit_world_model(recorded);
  EXPECT_NEAR(fitted.response_at(0.5), config.model.response_at(0.5), 120);
  EXPECT_NEAR(fitted.thoughts, config.model.thoughts, 1);
}

TEST(SimulatedGenerator, SharesItsSpeedBetweenItsChains) {
  WorldModel model;
  model.token_seconds = {{1, 0.01}, {2, 0.02}};
  SimulatedGenerator generator(model);
  const records::TrajectoryId a{0, 0, records::DrawKind::kFresh, 0};
  const records::TrajectoryId b{0, 0, records::DrawKind::kFresh, 1};
  generator.add(a, 100, 0);
  EXPECT_DOUBLE_EQ(*generator.next_end(), 1.0);
  generator.add(b, 100, 0.5);  // a has 50 tokens left, at half the speed
  EXPECT_DOUBLE_EQ(*generator.next_end(), 1.5);
  EXPECT_EQ(generator.take_ended(1.5), a);
  EXPECT_DOUBLE_EQ(*generator.next_end(), 2.0);
  EXPECT_TRUE(generator.remove(b, 1.75));
  EXPECT_FALSE(generator.next_end().has_value());
  EXPECT_DOUBLE_EQ(generator.busy_seconds(5), 1.75);
  EXPECT_NEAR(generator.decoded_tokens(), 175, 1e-9);
}

}  // namespace
}  // namespace srpo::scheduler
