// Life cycles of the splits, speculative draws, retries of poison, cache placement.
#include "test_world.h"

namespace srpo::scheduler {
namespace {

SchedulerConfig split_config(const char* split) {
  SchedulerConfig config = srpo_config();
  config.draws.plan = *records::DrawPlan::of_split(split);
  config.validate_every = 0;
  return config;
}

core::Bytes further_bytes(const World& world) {
  core::ByteWriter writer;
  for (const auto& [key, localizations] : world.further_) writer.write(localizations);
  return writer.take();
}

TEST(Splits, OneByEightGoesOnEightTimesFromTheFirstFailure) {
  World world(split_config("1x8"), with_probability(0.6), 1);
  world.run();
  int resets = 0;
  for (const auto& [key, tree] : world.recorded()) {
    EXPECT_EQ(count(tree, Use::kBase), tree.seed() ? 0u : 8u);
    if (!tree.seed()) continue;
    ++resets;
    EXPECT_EQ(tree.suffixes.size(), 8u);
    EXPECT_EQ(tree.seed(), &tree.fresh.back()) << "drawing stops at the first failure";
  }
  EXPECT_GT(resets, 10);
}

TEST(Splits, TwoByFourGoesOnFourTimesFromEachOfTwoFailures) {
  World world(split_config("2x4"), with_probability(0.6), 2);
  world.run();
  int resets = 0;
  for (const auto& [key, tree] : world.recorded()) {
    if (count(tree, Use::kSeed) == 0) continue;
    ++resets;
    ASSERT_EQ(count(tree, Use::kSeed), 2u);
    ASSERT_EQ(tree.suffixes.size(), 8u);
    EXPECT_TRUE(tree.localization.has_value());
    EXPECT_EQ((world.further_.at({tree.step, tree.slot}).size()), 1u);
    std::vector<const Trajectory*> seeds;
    for (const Trajectory& chain : tree.fresh) {
      if (chain.use == Use::kSeed) seeds.push_back(&chain);
    }
    for (const Trajectory& suffix : tree.suffixes) {
      const Trajectory& seed = *seeds[suffix.id.index / 4];
      EXPECT_TRUE(std::equal(suffix.tokens.begin(),
                             suffix.tokens.begin() + suffix.prefix_length,
                             seed.tokens.begin()));
    }
  }
  EXPECT_GT(resets, 10);
}

TEST(Splits, TwoByFourFallsBackToAGroupThatKeepsItsOnlyFailure) {
  World world(
      split_config("2x4"),
      [](const TrajectoryId& id) { return id.index != 3 || id.kind != DrawKind::kFresh; },
      3);
  world.run();
  for (const auto& [key, tree] : world.recorded()) {
    ASSERT_EQ(tree.fresh.size(), 12u);
    EXPECT_EQ(count(tree, Use::kBase), 8u);
    EXPECT_EQ(tree.fresh[3].use, Use::kBase) << "the reference cuts it off";
    EXPECT_FALSE(tree.localization.has_value());
    EXPECT_TRUE(tree.suffixes.empty());
  }
}

TEST(Splits, GoBackIntoAChainOfTheBaseGroup) {
  SchedulerConfig config = split_config("1x4");
  config.draws.plan.seed_rule = records::SeedRule::kAnyFailed;
  World world(config, with_probability(0.5), 5);
  world.run();
  int inside = 0;
  for (const auto& [key, tree] : world.recorded()) {
    if (tree.suffixes.empty()) continue;
    EXPECT_EQ(count(tree, Use::kBase), 4u);
    const Trajectory* seed = tree.seed_of(tree.suffixes.front());
    ASSERT_NE(seed, nullptr);
    EXPECT_EQ(seed->verdict.reward, 0);
    inside += seed->use == Use::kBase ? 1 : 0;
  }
  EXPECT_GT(inside, 5);
}

TEST(SecondAttempts, AreDrawnOnceForEachChainFromAPromptOfTheirOwn) {
  SchedulerConfig config = srpo_config();
  config.validate_every = 0;
  config.draws.plan.suffix_group = 1;
  config.draws.plan.seeds = 4;
  config.draws.plan.max_draws = 4;
  config.draws.plan.seed_rule = records::SeedRule::kEveryChain;
  config.draws.plan.revises = true;
  for (uint64_t order = 0; order < 50; ++order) {
    World world(config, with_probability(0.5), order);
    world.revises_ = true;
    world.run();
    for (const auto& [key, tree] : world.recorded()) {
      ASSERT_EQ(count(tree, Use::kBase), 4u);
      ASSERT_EQ(tree.suffixes.size(), 4u);
      EXPECT_FALSE(tree.localization.has_value());
      for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(tree.seed_of(tree.suffixes[i]), &tree.fresh[i]);
        EXPECT_EQ(tree.suffixes[i].prefix_length, 0u);
        EXPECT_EQ(tree.suffixes[i].prompt_tokens, std::vector<int32_t>(1));
      }
    }
  }
}

/// Chains of this launch number end before they are cut.
TEST(Segments, GoOnFromTheirEndUnlessTheirTextHasEnded) {
  DrawSettings settings = srpo_config().draws;
  settings.plan.base_group = 2;
  settings.plan.seeds = 2;
  settings.plan.max_draws = 2;
  settings.plan.seed_rule = records::SeedRule::kEveryChain;
  settings.plan.segment_tokens = 3;
  RolloutTree problem;
  problem.prompt_tokens = {1, 2};
  GroupLifecycle group(problem, /*recorded=*/false, settings);
  GroupOrders orders;
  group.begin(orders);
  ASSERT_EQ(orders.asks.size(), 2u);
  const auto answer = [&](const TrajectoryId& id, records::FinishReason finish,
                          double reward) {
    const auto request = group.generate(id, 0).request;
    EXPECT_FALSE(request.limits.thoughts);
    Trajectory chain;
    chain.id = id;
    chain.tokens = request.prefix_tokens;
    chain.prefix_length = static_cast<uint32_t>(request.prefix_tokens.size());
    chain.tokens.insert(chain.tokens.end(), {7, 8, 9});
    chain.finish = finish;
    records::Verdict verdict;
    verdict.reward = reward;
    orders = {};
    group.on_generated(chain, 0, orders);
    group.on_verified(id, verdict, orders);
  };
  EXPECT_EQ(group.generate({0, 0, DrawKind::kFresh, 0}, 0).request.limits.response_tokens,
            3);
  answer({0, 0, DrawKind::kFresh, 0}, records::FinishReason::kEndOfText, 1);
  answer({0, 0, DrawKind::kFresh, 1}, records::FinishReason::kTokenLimit, 0);
  EXPECT_FALSE(orders.decided);
  for (uint16_t i = 0; i < 4; ++i)
    answer({0, 0, DrawKind::kSuffix, i}, records::FinishReason::kEndOfText, i % 2);
  ASSERT_TRUE(orders.decided);
  const RolloutTree tree = group.record().tree;
  EXPECT_EQ(tree.fresh[0].use, Use::kBase) << "a leaf";
  EXPECT_EQ(tree.fresh[1].use, Use::kSeed);
  ASSERT_EQ(tree.suffixes.size(), 4u);
  for (const Trajectory& leaf : tree.suffixes) {
    EXPECT_EQ(tree.seed_of(leaf), &tree.fresh[1]);
    EXPECT_EQ(leaf.prefix_length, 3u);
  }
}

TEST(Splits, GiveTheSameBatchesInAnyOrderOfArrival) {
  for (const char* split : {"1x8", "2x4"}) {
    World first(split_config(split), with_probability(0.7), 0);
    first.run();
    const core::Bytes expected = batch_bytes(first);
    for (uint64_t seed = 1; seed < 200; ++seed) {
      SchedulerConfig config = split_config(split);
      config.generators.workers = 1 + static_cast<uint32_t>(seed % 7);
      config.draws.plan.speculative_draws = static_cast<uint32_t>(seed % 5);
      World other(config, with_probability(0.7), seed);
      other.asks_why_ = false;
      other.run();
      ASSERT_EQ(batch_bytes(other), expected) << split << " seed " << seed;
      ASSERT_EQ(further_bytes(other), further_bytes(first)) << split << " seed " << seed;
    }
  }
}

TEST(Splits, CancelsSpeculativeDrawsThatProveUnneeded) {
  // Chain 5 fails: rounds of one needed and three speculative ones are cut after it.
  uint64_t cancelled = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    World world(
        srpo_config(), [](const TrajectoryId& id) { return id.index != 5; }, seed);
    world.run();
    for (const RolloutTree& tree : world.batches_.at(0)) {
      EXPECT_EQ(tree.fresh.size(), 6u);
    }
    cancelled += world.cancelled_.size();
    const auto& dropped = world.scheduler_.sequences().dropped_by_reason;
    uint64_t vain = 0;
    for (const auto& [reason, number] : dropped) vain += number;
    EXPECT_EQ(vain, 3u * 6u * 3u) << "three of each problem of each step";
  }
  EXPECT_GT(cancelled, 20u);
}

TEST(Splits, DrawEndingsWhereThePrefixIsCached) {
  SchedulerConfig config = srpo_config();
  config.generators.workers = 5;
  World world(config, with_probability(0.5), 4);
  world.run();
  EXPECT_EQ(world.suffixes_elsewhere_, 0u);
}

TEST(Splits, DrawEndingsElsewhereWhenTheCacheIsOverloaded) {
  SchedulerConfig config = srpo_config();
  config.generators.workers = 5;
  config.prefix_slack = 0;
  World world(config, with_probability(0.5), 4);
  world.run();
  EXPECT_GT(world.suffixes_elsewhere_, 0u);
}

TEST(Splits, QuarantineAProblemThatItsWorkersDoNotSurvive) {
  World world(srpo_config(), with_probability(0.6), 5);
  world.is_poison_ = [](const TrajectoryId& id) { return id.step == 1 && id.slot == 2; };
  world.run();
  ASSERT_EQ(world.quarantined_.size(), 1u);
  EXPECT_EQ(world.quarantined_[0].tree.slot, 2u);
  EXPECT_EQ(world.quarantined_[0].tree.prompt_tokens, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(world.quarantined_[0].workers.size(), 3u);
  EXPECT_EQ(world.scheduler_.ledger().dropped_by_reason.at("poison"), 1u);
  EXPECT_EQ(world.batches_.at(1).size(), 5u);
  EXPECT_EQ(world.drops_, 1u);
}

TEST(Splits, BeginProblemsOfHigherPriorityFirstAndTrainOnTheSame) {
  SchedulerConfig config = srpo_config();
  config.trees_in_flight = 1;
  config.steps = 1;
  config.validate_every = 0;
  Scheduler scheduler(config, {});
  scheduler.start(Time(0));
  events::StepOpened opened{0, false, {}};
  for (uint32_t slot = 0; slot < 3; ++slot) {
    RolloutTree tree;
    tree.slot = slot;
    opened.entries.push_back({tree, false, slot == 2 ? 1 : 0});
  }
  scheduler.on(opened, Time(1));
  const auto commands = scheduler.on(events::Published{}, Time(2));
  ASSERT_FALSE(commands.empty());
  EXPECT_EQ(std::get<commands::Generate>(commands[0]).request.id.slot, 2u);
}

}  // namespace
}  // namespace srpo::scheduler
