// The gradient of whole updates, against plain LibTorch in double precision and against
// other ways to compute it.
#include <ATen/Parallel.h>

#include "learner/eager_decoder.h"
#include "learner/learner_benchmark.h"
#include "learner_checks.h"
#include "model/lora.h"

namespace srpo::learner {
namespace {

using Trees = std::vector<rl::TrainingTree>;

/// Large enough that every path of the gradient shows.
model::TensorMap strong_weights(const model::ModelConfig& config) {
  model::TensorMap weights = model::make_initial_weights(config, 1);
  for (auto& [name, tensor] : weights) {
    if (tensor.dim() == 2) tensor.mul_(10);
  }
  return weights;
}

/// Chains that leave each other anywhere, as those of a tree search do; the prefix is cut
/// from a chain.
Trees branching_trees(uint64_t seed) {
  Trees trees = random_trees(5, seed);
  for (size_t i = 0; i < trees.size(); ++i) {
    core::Rng rng(seed, core::Purpose::kTest, 100 + i);
    rl::TrainingTree& tree = trees[i];
    for (size_t k = 1; k < tree.fresh.size(); ++k) {
      const auto& before = tree.fresh[rng.below(k)].tokens;
      auto& tokens = tree.fresh[k].tokens;
      const size_t same = std::min(rng.below(before.size() + 1), tokens.size());
      std::copy_n(before.begin(), same, tokens.begin());
    }
    const auto& cut = tree.fresh[3].tokens;
    const size_t kept = std::min(tree.prefix_tokens.size(), cut.size());
    tree.prefix_tokens.resize(kept);
    std::copy_n(cut.begin(), kept, tree.prefix_tokens.begin());
    for (auto& suffix : tree.suffixes) {
      std::copy_n(cut.begin(), kept, suffix.tokens.begin());
      suffix.active_begin = static_cast<uint32_t>(kept);
    }
  }
  return trees;
}

model::TensorMap gradient_on(int num_ranks, const LearnerConfig& config,
                             const model::ModelConfig& model,
                             const model::TensorMap& weights, const Trees& trees,
                             const rl::LossRule& rule = {}) {
  auto groups = comm::make_local_group(num_ranks, std::chrono::seconds(60));
  std::vector<model::TensorMap> results(groups.size());
  {
    std::vector<std::jthread> threads;
    for (auto& group : groups) {
      threads.emplace_back([&, own = group.get()] {
        Learner learner(config, model, weights, *own);
        results[static_cast<size_t>(own->rank())] = learner.gradients(trees, rule);
      });
    }
  }
  for (const auto& result : results) EXPECT_EQ(largest_difference(result, results[0]), 0);
  return results[0];
}

/// Largest |a - b| / |b| of a tensor, norms as L2.
double relative_difference(const model::TensorMap& a, const model::TensorMap& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (const auto& [name, tensor] : b) {
    const at::Tensor expected = tensor.to(at::kDouble);
    const double size = expected.norm().item<double>();
    EXPECT_GT(size, 0) << name;
    largest = std::max(
        largest, (a.at(name).to(at::kDouble) - expected).norm().item<double>() / size);
  }
  return largest;
}

class GradientOf : public testing::TestWithParam<bool> {
 protected:
  GradientOf() {
    at::set_num_threads(1);  // small tensors: threads would only wait for each other
    model_.tie_embeddings = GetParam();
    weights_ = strong_weights(model_);
  }
  model::TensorMap ours(const Trees& trees, const LearnerConfig& config = tiny_learner(),
                        int num_ranks = 1, const rl::LossRule& rule = {}) const {
    return gradient_on(num_ranks, config, model_, weights_, trees, rule);
  }

  model::ModelConfig model_ = tiny_model();
  model::TensorMap weights_;
};

TEST_P(GradientOf, RandomTreesAgreesWithPlainLibTorch) {
  EagerDecoder eager(model_, weights_, at::kDouble);
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const Trees trees = branching_trees(seed);
    for (const auto weighting :
         {rl::LossRule::Weighting::kSequence, rl::LossRule::Weighting::kToken}) {
      rl::LossRule rule;
      rule.weighting = weighting;
      const auto expected = eager.gradients(trees, rule, 3);
      EXPECT_LT(relative_difference(ours(trees, tiny_learner(), 1, rule), expected), 1e-5)
          << seed;
    }
  }
}

TEST_P(GradientOf, SharedPrefixesIsThatOfReplicatedOnes) {
  LearnerConfig replicated = tiny_learner();
  replicated.share_prefixes = false;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Trees trees = branching_trees(seed);
    EXPECT_LT(relative_difference(ours(trees), ours(trees, replicated)), 1e-5) << seed;
  }
}

TEST_P(GradientOf, PackedTextsIsThatOfTextsAlone) {
  const Trees trees = branching_trees(1);
  LearnerConfig alone = tiny_learner();
  alone.micro_batch_tokens = 1;  // every text in a pass of its own
  LearnerConfig together = tiny_learner();
  together.micro_batch_tokens = 100'000;
  EXPECT_LT(relative_difference(ours(trees, alone), ours(trees, together)), 1e-5);
}

TEST_P(GradientOf, AnyChunkOfRowsIsThatOfFullLogits) {
  const Trees trees = branching_trees(2);
  LearnerConfig config = tiny_learner();
  config.micro_batch_tokens = 100'000;
  config.head_chunk_rows = 1'000'000;
  const auto full = ours(trees, config);
  for (const int64_t rows : {1, 7, 2048}) {
    config.head_chunk_rows = rows;
    EXPECT_LT(relative_difference(ours(trees, config), full), 1e-5) << rows;
  }
}

TEST_P(GradientOf, CheckpointedActivationsHasTheSameBits) {
  const Trees trees = branching_trees(3);
  LearnerConfig config = tiny_learner();
  config.activation_checkpointing = true;
  for (const int num_ranks : {1, 3}) {
    EXPECT_EQ(largest_difference(ours(trees, config, num_ranks),
                                 ours(trees, tiny_learner(), num_ranks)),
              0);
  }
}

TEST_P(GradientOf, AnyNumberOfRanksIsTheSame) {
  const Trees trees = branching_trees(4);
  const auto one = ours(trees);
  for (const int num_ranks : {2, 3, 4}) {
    EXPECT_LT(relative_difference(ours(trees, tiny_learner(), num_ranks), one), 1e-6)
        << num_ranks;
  }
}

TEST_P(GradientOf, Bf16WeightsPointsTheSameWay) {
  const Trees trees = branching_trees(5);
  LearnerConfig config = tiny_learner();
  config.bf16 = true;
  const auto exact = ours(trees);
  const auto rounded = ours(trees, config);
  double dot = 0;
  double size = 0;
  double other = 0;
  for (const auto& [name, tensor] : exact) {
    dot += (tensor * rounded.at(name)).sum().item<double>();
    size += tensor.square().sum().item<double>();
    other += rounded.at(name).square().sum().item<double>();
  }
  EXPECT_GT(dot / std::sqrt(size * other), 0.999);
  EXPECT_GT(largest_difference(exact, rounded), 0);
  for (const int num_ranks : {2, 3}) {
    EXPECT_LT(relative_difference(ours(trees, config, num_ranks), rounded), 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Tied, GradientOf, testing::Bool());

/// The loss of an adapter that has learnt is that of the weights it is merged into.
TEST(Learner, AnAdapterIsItsMergedWeights) {
  for (const bool stabilized : {false, true}) {
    LearnerConfig config = tiny_learner(true);
    config.rank_stabilized = stabilized;
    config.learning_rate = 0.05;
    comm::SelfProcessGroup group;
    const auto base = strong_weights(tiny_model());
    Learner adapted(config, tiny_model(), base, group);
    const Trees trees = random_trees(6, 1);
    const double before = adapted.train(trees, {}, 0).mean_logp;
    for (int i = 0; i < 5; ++i) adapted.train(trees, {});
    const auto merged =
        model::merge_adapter(base, adapted.trainable_weights(), config.adapter());
    LearnerConfig full = tiny_learner(false);
    Learner plain(full, tiny_model(), merged, group);
    const double with_adapter = adapted.train(trees, {}, 0).mean_logp;
    EXPECT_NEAR(plain.train(trees, {}, 0).mean_logp, with_adapter, 1e-4);
    EXPECT_GT(std::abs(with_adapter - before), 0.01);
  }
}

TEST(LearnerBenchmark, CutsPrefixesFromChains) {
  BatchShape shape;
  shape.trees = 5;
  for (const auto draw : {ResetDraw::kUniform, ResetDraw::kEarly}) {
    const Trees trees = make_srpo_batch(shape, draw, 3);
    ASSERT_EQ(trees.size(), 5U);
    int64_t shared = 0;
    int64_t replicated = 0;
    for (const auto& tree : trees) {
      EXPECT_TRUE(std::equal(tree.prefix_tokens.begin(), tree.prefix_tokens.end(),
                             tree.fresh[3].tokens.begin()));
      shared += rl::count_packed_tokens(tree, true);
      replicated += rl::count_packed_tokens(tree, false);
    }
    EXPECT_GT(static_cast<double>(replicated), 1.35 * static_cast<double>(shared));
  }
}

}  // namespace
}  // namespace srpo::learner
