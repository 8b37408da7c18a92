// Sequences that are compared with the model training began with.
#include "core/error.h"
#include "learner_checks.h"

namespace srpo::learner {
namespace {

std::vector<rl::TrainingTree> compared_trees(double kl) {
  std::vector<rl::TrainingTree> trees = random_trees(4, 11);
  for (rl::TrainingTree& tree : trees) {
    for (auto* sequences : {&tree.fresh, &tree.suffixes}) {
      for (rl::TrainingSequence& sequence : *sequences) {
        sequence.kl = kl;
        sequence.advantage = 0;
      }
    }
  }
  return trees;
}

TEST(Reference, IsWhatTheModelWasWhenItsTrainingBegan) {
  for (const bool lora : {false, true}) {
    LearnerConfig config = tiny_learner(lora);
    config.keeps_reference = true;
    config.updates_per_batch = 1;
    comm::SelfProcessGroup group;
    Learner learner(config, tiny_model(), model::make_initial_weights(tiny_model(), 1),
                    group);
    rl::LossRule rule;
    const StepStats at_first = learner.train(compared_trees(1), rule);
    EXPECT_NEAR(at_first.mean_divergence, 0, 1e-9) << "the same weights";
    EXPECT_NEAR(at_first.grad_norm, 0, 1e-5);
    EXPECT_GT(at_first.loss_rows, 50) << "sequences of zero advantage count here";

    for (int i = 0; i < 20; ++i) learner.train(random_trees(4, 12), rule);
    const StepStats moved = learner.train(compared_trees(1), rule);
    EXPECT_GT(moved.mean_divergence, 1e-4);
    double last = moved.mean_divergence;
    for (int i = 0; i < 30; ++i)
      last = learner.train(compared_trees(1), rule).mean_divergence;
    EXPECT_LT(last, moved.mean_divergence) << "the divergence pulls back";
  }
}

TEST(Reference, CostsNothingWhereNothingIsCompared) {
  comm::SelfProcessGroup group;
  Learner learner(tiny_learner(), tiny_model(),
                  model::make_initial_weights(tiny_model(), 1), group);
  EXPECT_EQ(learner.train(random_trees(4, 12), {}).mean_divergence, 0);
  EXPECT_THROW(learner.train(compared_trees(1), {}), core::Error) << "none was kept";
}

TEST(Reference, IsTheSameOverAnyNumberOfRanks) {
  LearnerConfig config = tiny_learner();
  config.keeps_reference = true;
  const auto work = [](Learner& learner, comm::ProcessGroup&) {
    for (int i = 0; i < 3; ++i) {
      auto trees = random_trees(6, 20);
      for (rl::TrainingTree& tree : trees) {
        for (rl::TrainingSequence& sequence : tree.fresh) sequence.kl = 0.1;
      }
      learner.train(trees, {});
    }
  };
  const auto one = train_on(1, config, work);
  const auto two = train_on(2, config, work);
  for (const auto& [name, tensor] : one)
    EXPECT_TRUE(at::allclose(tensor, two.at(name), 1e-5, 1e-6)) << name;
}

// One ratio a sequence needs all of its rows at once, however small the head's chunks.
TEST(SequenceRatio, IsNotCutByTheChunksOfTheHead) {
  rl::LossRule rule;
  rule.bare_ratio = true;
  rule.sequence_ratio = true;
  model::TensorMap weights[2];
  for (const int64_t rows : {3, 2048}) {
    LearnerConfig config = tiny_learner();
    config.head_chunk_rows = rows;
    weights[rows == 3 ? 0 : 1] = train_on(1, config, [&](Learner& learner, auto&) {
      learner.train(random_trees(6, 21), rule);
    });
  }
  for (const auto& [name, tensor] : weights[0])
    EXPECT_TRUE(at::equal(tensor, weights[1].at(name))) << name;
}

// Split 2x4 and second attempts: branches shared or repeated give the same gradient.
TEST(Branches, AreTrainedAsIfTheyWereTreesOfTheirOwn) {
  std::vector<rl::TrainingTree> together = random_trees(4, 22);
  std::vector<rl::TrainingTree> apart;
  for (rl::TrainingTree& tree : together) {
    core::Rng rng(5, core::Purpose::kTest, apart.size());
    rl::TrainingTree own;
    own.prompt_tokens = random_tokens(rng, 7);
    own.prefix_tokens = random_tokens(rng, 5);
    for (int i = 0; i < 3; ++i)
      own.suffixes.push_back(random_sequence(rng, own.prefix_tokens, rng.normal()));
    own.num_counted = 3;
    tree.further.push_back({own.prompt_tokens, own.prefix_tokens, own.suffixes});
    apart.push_back(tree);
    apart.back().further.clear();
    apart.push_back(own);
    tree.num_counted += 3;
  }
  LearnerConfig config = tiny_learner();
  config.updates_per_batch = 1;
  const auto weights = [&](const std::vector<rl::TrainingTree>& trees) {
    return train_on(1, config,
                    [&](Learner& learner, auto&) { learner.train(trees, {}); });
  };
  const auto one = weights(together);
  const auto two = weights(apart);
  for (const auto& [name, tensor] : one)
    EXPECT_TRUE(at::allclose(tensor, two.at(name), 1e-5, 1e-6)) << name;
}

}  // namespace
}  // namespace srpo::learner
