// Numbers that are not finite: found, named, skipped, and taken back.
#include "core/error.h"
#include "core/files.h"
#include "learner/checkpoint.h"
#include "learner_checks.h"

namespace srpo::learner {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path fresh_folder(const std::string& name) {
  const fs::path folder =
      fs::path(testing::TempDir()) / (name + "_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  return folder;
}

std::vector<rl::TrainingTree> trees_with(double advantage) {
  auto trees = random_trees(4, 1);
  trees[2].suffixes[1].advantage = advantage;
  return trees;
}

LearnerConfig one_update() {
  LearnerConfig config = tiny_learner();
  config.updates_per_batch = 1;
  return config;
}

TEST(Fault, IsTracedToTheSequence) {
  comm::SelfProcessGroup group;
  Learner learner(one_update(), tiny_model(),
                  model::make_initial_weights(tiny_model(), 1), group);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const StepStats stats = learner.train(trees_with(bad), {});
    EXPECT_EQ(stats.skipped_updates, 1);
    EXPECT_EQ(stats.updates, 0);
    // Four fresh sequences stand before the suffixes.
    EXPECT_THAT(stats.fault, HasSubstr("sequence 5 of tree 2 has an advantage"));
    EXPECT_THAT(stats.fault, HasSubstr("the gradient of layer 0"));
  }
}

TEST(Fault, IsTracedToTheLayer) {
  auto weights = model::make_initial_weights(tiny_model(), 1);
  weights.at("model.layers.1.mlp.up_proj.weight").mutable_data_ptr<float>()[3] =
      std::numeric_limits<float>::infinity();
  for (const int num_ranks : {1, 2}) {
    auto groups = comm::make_local_group(num_ranks, std::chrono::seconds(60));
    std::vector<std::jthread> threads;
    for (auto& group : groups) {
      threads.emplace_back([&, own = group.get()] {
        Learner learner(one_update(), tiny_model(), weights, *own);
        const StepStats stats = learner.train(random_trees(4, 1), {});
        EXPECT_EQ(stats.skipped_updates, 1);
        EXPECT_THAT(stats.fault, HasSubstr("layer 1 is the first that is not finite"));
        EXPECT_THROW(learner.trainable_weights(), core::Error);
      });
    }
  }
}

TEST(Fault, IsTakenBackAfterThreeInARow) {
  const fs::path folder = fresh_folder("taken_back");
  for (const int num_ranks : {1, 2}) {
    std::vector<model::TensorMap> saved(static_cast<size_t>(num_ranks));
    const auto end = train_on(
        num_ranks, one_update(), [&](Learner& learner, comm::ProcessGroup& group) {
          learner.train(random_trees(4, 1), {});
          learner.begin_save(folder, "good");
          saved[static_cast<size_t>(group.rank())] = learner.trainable_weights();
          learner.train(random_trees(4, 2), {});
          EXPECT_EQ(learner.num_updates(), 2U);
          EXPECT_EQ(learner.train(trees_with(NAN), {}).roll_backs, 0);
          learner.train(trees_with(NAN), {});
          EXPECT_EQ(learner.train(trees_with(NAN), {}).roll_backs, 1);
          EXPECT_EQ(learner.num_updates(), 1U);
        });
    EXPECT_EQ(largest_difference(end, saved[0]), 0);
  }
}

TEST(Fault, WithoutACheckpointStopsTheRun) {
  comm::SelfProcessGroup group;
  LearnerConfig config = one_update();
  Learner learner(config, tiny_model(), model::make_initial_weights(tiny_model(), 1),
                  group);
  learner.train(trees_with(NAN), {});
  learner.train(random_trees(4, 1), {});  // not in a row
  learner.train(trees_with(NAN), {});
  learner.train(trees_with(NAN), {});
  EXPECT_THROW(learner.train(trees_with(NAN), {}), core::Error);
}

TEST(Fault, OfEqualRewardsSkipsTheUpdate) {
  auto trees = random_trees(4, 1);
  for (auto& tree : trees) {
    for (auto* sequences : {&tree.fresh, &tree.suffixes}) {
      for (auto& sequence : *sequences) sequence.advantage = 0;
    }
  }
  for (const int num_ranks : {1, 3}) {
    std::vector<model::TensorMap> before(static_cast<size_t>(num_ranks));
    const auto after = train_on(
        num_ranks, tiny_learner(), [&](Learner& learner, comm::ProcessGroup& group) {
          learner.train(random_trees(4, 2), {});
          before[static_cast<size_t>(group.rank())] = learner.trainable_weights();
          const StepStats stats = learner.train(trees, {});
          EXPECT_EQ(stats.empty_updates, 2);
          EXPECT_EQ(stats.updates, 0);
          EXPECT_EQ(stats.sequences, 32);
          EXPECT_EQ(learner.num_updates(), 2U);
        });
    EXPECT_EQ(largest_difference(after, before[0]), 0);
  }
}

class Watcher : public StepObserver {
 public:
  void see_micro_batch(const rl::PackedBatch& batch, std::span<const float> logprobs,
                       std::span<const double> losses) override {
    EXPECT_EQ(logprobs.size(), batch.targets.size());
    for (const double each : losses) loss += each;
    ++micro_batches;
  }
  void see_gradient(std::span<const UnitNorm> norms, bool is_applied) override {
    units.assign(norms.begin(), norms.end());
    EXPECT_TRUE(is_applied);
  }

  double loss = 0;
  int micro_batches = 0;
  std::vector<UnitNorm> units;
};

TEST(StepObserver, SeesEveryRowAndUnit) {
  comm::SelfProcessGroup group;
  Learner learner(one_update(), tiny_model(),
                  model::make_initial_weights(tiny_model(), 1), group);
  Watcher watcher;
  learner.set_observer(&watcher);
  const StepStats stats = learner.train(random_trees(6, 1), {});
  EXPECT_NEAR(watcher.loss, stats.loss, 1e-9);
  EXPECT_GT(watcher.micro_batches, 1);
  ASSERT_EQ(watcher.units.size(), 3U);
  EXPECT_EQ(watcher.units[0].unit, "embeddings and head");
  EXPECT_EQ(watcher.units[2].unit, "layer 1");
  double squares = 0;
  for (const auto& unit : watcher.units) squares += unit.norm * unit.norm;
  EXPECT_NEAR(std::sqrt(squares), stats.grad_norm, 1e-9);
  learner.set_observer(nullptr);
  learner.train(random_trees(6, 1), {});
  EXPECT_NEAR(watcher.loss, stats.loss, 1e-9);
}

TEST(CheckpointWriter, WritesWhileTrainingGoesOn) {
  const fs::path folder = fresh_folder("in_the_background");
  for (const int num_ranks : {1, 3}) {
    std::vector<model::TensorMap> saved(static_cast<size_t>(num_ranks));
    train_on(num_ranks, one_update(), [&](Learner& learner, comm::ProcessGroup& group) {
      learner.train(random_trees(4, 1), {});
      saved[static_cast<size_t>(group.rank())] = learner.trainable_weights();
      learner.begin_save(folder, "first");
      learner.train(random_trees(4, 2), {});
      learner.finish_save();
    });
    const auto loaded =
        train_on(2, one_update(), [&](Learner& learner, comm::ProcessGroup&) {
          EXPECT_EQ(learner.load(folder), "first");
        });
    EXPECT_EQ(largest_difference(loaded, saved[0]), 0);
    EXPECT_FALSE(fs::exists(folder.string() + ".tmp"));
  }
}

TEST(CheckpointWriter, FailsOnEveryRankWhenOneCannotWrite) {
  const fs::path file = fresh_folder("not_a_folder");
  core::write_file(file, std::string("text"));
  train_on(3, one_update(), [&](Learner& learner, comm::ProcessGroup&) {
    EXPECT_THROW(learner.begin_save(file / "checkpoint", ""), core::Error);
    EXPECT_NO_THROW(learner.train(random_trees(4, 1), {}));
  });
}

}  // namespace
}  // namespace srpo::learner
