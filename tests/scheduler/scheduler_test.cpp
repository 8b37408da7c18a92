#include "scheduler/scheduler.h"

#include <deque>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "core/archive.h"
#include "core/random.h"

namespace srpo::scheduler {
namespace {

using records::DrawKind;
using records::RolloutTree;
using records::Trajectory;
using records::TrajectoryId;
using records::Use;

/// Whether a chain succeeds is a function of its id, as with keyed randomness.
using Succeeds = std::function<bool(const TrajectoryId&)>;

Succeeds with_probability(double p) {
  return [p](const TrajectoryId& id) {
    return core::uniform(11, core::Purpose::kTest, id.key(), 0) < p;
  };
}

Trajectory draw(const records::GenerationRequest& request) {
  Trajectory trajectory;
  trajectory.id = request.id;
  trajectory.tokens = request.prefix_tokens;
  trajectory.thought_ends = request.prefix_thought_ends;
  trajectory.prefix_length = static_cast<uint32_t>(request.prefix_tokens.size());
  const auto more = 2 + request.id.key() % 3;
  for (uint64_t i = 0; i < more; ++i) {
    for (int t = 0; t < 5; ++t) trajectory.tokens.push_back(static_cast<int32_t>(i));
    trajectory.thought_ends.push_back(static_cast<uint32_t>(trajectory.tokens.size()));
  }
  trajectory.logprobs.assign(trajectory.tokens.size(), -1.0f);
  return trajectory;
}

/// Answers commands in a seeded random order, sometimes with a failure; keeps what was
/// recorded and trained.
class World {
 public:
  World(SchedulerConfig config, Succeeds succeeds, uint64_t seed, double failure_rate = 0,
        Progress progress = {},
        std::map<std::tuple<uint32_t, uint32_t, bool>, RolloutTree> recorded = {})
      : scheduler_(std::move(config), progress),
        succeeds_(std::move(succeeds)),
        rng_(seed, core::Purpose::kTest, 99),
        failure_rate_(failure_rate),
        recorded_(std::move(recorded)) {}

  void run() {
    take(scheduler_.start());
    while (!queue_.empty()) {
      const size_t pick = rng_.below(queue_.size());
      Event event = std::move(queue_[pick]);
      queue_.erase(queue_.begin() + static_cast<long>(pick));
      take(scheduler_.on(event));
      ASSERT_TRUE(scheduler_.ledger().closes());
      if (!scheduler_.is_finished()) {
        ASSERT_FALSE(scheduler_.why().empty());
      }
    }
    ASSERT_TRUE(scheduler_.is_finished()) << "stuck: " << scheduler_.why().size();
  }

  Scheduler scheduler_;
  std::vector<std::string> log_;  // order of the run's own stages
  std::map<uint32_t, std::vector<RolloutTree>> batches_;
  uint32_t problems_ = 6;
  uint64_t drops_ = 0;
  std::set<TrajectoryId> released_;

  const auto& recorded() const { return recorded_; }

 private:
  void take(std::vector<Command> commands) {
    for (Command& command : commands) std::visit([&](auto& c) { carry_out(c); }, command);
  }
  bool fails() { return failure_rate_ > 0 && rng_.uniform() < failure_rate_; }

  void carry_out(commands::OpenStep& open) {
    log_.push_back((open.validation ? "validate " : "step ") + std::to_string(open.step));
    events::StepOpened opened;
    for (uint32_t slot = 0; slot < problems_; ++slot) {
      const auto known = recorded_.find({open.step, slot, open.validation});
      RolloutTree tree;
      tree.step = open.step;
      tree.slot = slot;
      tree.validation = open.validation;
      tree.prompt_tokens = {1, 2, 3};
      if (known != recorded_.end()) tree = known->second;
      opened.entries.push_back({tree, known != recorded_.end()});
    }
    queue_.emplace_back(opened);
  }
  void carry_out(commands::Generate& generate) {
    EXPECT_TRUE(drawn_.insert(generate.request.id).second || failure_rate_ > 0);
    if (fails()) {
      queue_.emplace_back(events::Failed{generate.request.id, "lost"});
    } else {
      queue_.emplace_back(events::Generated{draw(generate.request)});
    }
  }
  void carry_out(commands::Verify& verify) {
    if (fails()) {
      queue_.emplace_back(events::Failed{verify.id, "lost"});
      return;
    }
    records::Verdict verdict;
    const bool right = succeeds_(verify.id);
    verdict.kind = right ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
    verdict.reward = right ? 1 : 0;
    queue_.emplace_back(events::Verified{verify.id, verdict});
  }
  void carry_out(commands::Localize& localize) {
    TrajectoryId id = localize.seed.id;
    if (fails()) {
      id.kind = DrawKind::kLocalization;
      queue_.emplace_back(events::Failed{id, "lost"});
      return;
    }
    records::Localization found;
    found.num_thoughts = static_cast<uint32_t>(localize.seed.thought_ends.size());
    found.thought = 1 + static_cast<uint32_t>(id.key() % found.num_thoughts);
    const uint32_t kept =
        found.thought == 1 ? 0 : localize.seed.thought_ends[found.thought - 2];
    queue_.emplace_back(events::Localized{id, found, kept});
  }
  void carry_out(commands::Release& release) {
    released_.insert(release.ids.begin(), release.ids.end());
  }
  void carry_out(commands::Record& record) {
    const auto key =
        std::make_tuple(record.tree.step, record.tree.slot, record.tree.validation);
    EXPECT_TRUE(recorded_.emplace(key, record.tree).second) << "recorded twice";
    queue_.emplace_back(events::Recorded{record.tree.slot});
  }
  void carry_out(commands::Drop&) { ++drops_; }
  void carry_out(commands::TrainDemonstrations& train) {
    log_.push_back("demonstrations " + std::to_string(train.batch));
    queue_.emplace_back(events::DemonstrationsTrained{});
  }
  void carry_out(commands::Train& train) {
    log_.push_back("train " + std::to_string(train.step));
    batches_[train.step] = train.trees;
    queue_.emplace_back(events::Trained{});
  }
  void carry_out(commands::Publish& publish) {
    log_.push_back("publish " + std::to_string(publish.version));
    queue_.emplace_back(events::Published{});
  }
  void carry_out(commands::Checkpoint& checkpoint) {
    log_.push_back("checkpoint " + std::to_string(checkpoint.progress.steps));
    queue_.emplace_back(events::Checkpointed{});
  }
  void carry_out(commands::Finish&) { log_.emplace_back("finish"); }

  Succeeds succeeds_;
  core::Rng rng_;
  double failure_rate_;
  std::deque<Event> queue_;
  std::set<TrajectoryId> drawn_;
  std::map<std::tuple<uint32_t, uint32_t, bool>, RolloutTree> recorded_;
};

SchedulerConfig srpo_config() {
  SchedulerConfig config;
  config.steps = 3;
  config.validate_every = 2;
  config.checkpoint_every = 2;
  config.generators = 3;
  config.verifiers = 2;
  return config;
}

core::Bytes batch_bytes(const World& world) {
  core::ByteWriter writer;
  for (const auto& [step, trees] : world.batches_) writer.write(trees);
  return writer.take();
}

uint32_t count(const RolloutTree& tree, Use use) {
  uint32_t found = 0;
  for (const Trajectory& chain : tree.fresh) found += chain.use == use ? 1 : 0;
  return found;
}

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
    ASSERT_EQ(tree.fresh.size(), 9u);
    EXPECT_EQ(tree.seed(), &tree.fresh[6]);
    EXPECT_EQ(count(tree, Use::kBase), 4u);
    EXPECT_EQ(count(tree, Use::kSurplus), 4u);
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
    config.generators = 1 + static_cast<uint32_t>(seed % 7);
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
    ASSERT_EQ(other.scheduler_.ledger().dropped, other.drops_);
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
    for (const Trajectory& chain : tree.fresh)
      EXPECT_TRUE(world.released_.contains(chain.id));
  }
}

}  // namespace
}  // namespace srpo::scheduler
