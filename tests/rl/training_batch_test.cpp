#include "rl/training_batch.h"

#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"

namespace srpo::rl {
namespace {

using testing::ElementsAre;

TrainingTree small_tree() {
  TrainingTree tree;
  tree.prompt_tokens = {10, 11};
  tree.fresh = {{{20, 21, 22}, {-1, -2, -3}, 0, 1.0}, {{30, 31}, {}, 0, 0.0}};
  tree.prefix_tokens = {40, 41};
  tree.suffixes = {{{40, 41, 50, 51}, {}, 2, -1.0}, {{40, 41, 60}, {}, 2, 0.5}};
  tree.num_counted = 4;
  tree.active_tokens_counted = 8;
  return tree;
}

PackedBatch pack_one(const TrainingTree& tree, const LossRule& rule, bool share) {
  const TrainingTree* trees[] = {&tree};
  PackingOptions options;
  options.share_prefixes = share;
  auto batches = pack_trees(trees, rule, count_divisors({&tree, 1}), options);
  EXPECT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches.at(0).num_tokens(), count_packed_tokens(tree, share));
  return batches.at(0);
}

/// The tokens on the path to a row's hidden state: what the row's target is predicted
/// from.
std::vector<int64_t> context_of(const PackedBatch& batch, int64_t hidden) {
  std::vector<int64_t> context;
  size_t segment = 0;
  while (batch.segments[segment].end <= hidden) ++segment;
  int64_t end = hidden + 1;
  for (auto s = static_cast<int64_t>(segment); s >= 0;
       s = batch.segments[static_cast<size_t>(s)].parent) {
    const PackedSegment& part = batch.segments[static_cast<size_t>(s)];
    if (s != static_cast<int64_t>(segment)) end = part.end;
    context.insert(context.begin(), batch.tokens.begin() + part.begin,
                   batch.tokens.begin() + end);
  }
  EXPECT_EQ(batch.positions[static_cast<size_t>(hidden)] + 1,
            static_cast<int64_t>(context.size()));
  return context;
}

std::multiset<std::string> rows_of(const PackedBatch& batch) {
  std::multiset<std::string> rows;
  for (size_t i = 0; i < batch.targets.size(); ++i) {
    std::string row;
    for (const int64_t token : context_of(batch, batch.hidden_indices[i])) {
      row += std::to_string(token) + " ";
    }
    rows.insert(row + "-> " + std::to_string(batch.targets[i]) + " x " +
                std::to_string(batch.coefficients[i]));
  }
  return rows;
}

TEST(TrainingBatch, ComputesPromptAndPrefixOnce) {
  const PackedBatch batch = pack_one(small_tree(), {}, true);
  EXPECT_THAT(batch.tokens, ElementsAre(10, 11, 20, 21, 40, 41, 50));
  EXPECT_THAT(batch.positions, ElementsAre(0, 1, 2, 3, 2, 3, 4));
  ASSERT_EQ(batch.segments.size(), 3U);
  EXPECT_EQ(batch.segments[2].parent, 0);
  EXPECT_EQ(batch.segments[1].parent, 0);
  EXPECT_EQ(batch.num_sequences, 3);
  EXPECT_THAT(batch.targets, ElementsAre(20, 21, 22, 50, 51, 60));
  EXPECT_THAT(batch.hidden_indices, ElementsAre(1, 2, 3, 5, 6, 5));
  EXPECT_THAT(batch.sequences, ElementsAre(0, 0, 0, 1, 1, 2));
  EXPECT_EQ(batch.sampled_logprobs[1], -2);
  EXPECT_TRUE(std::isnan(batch.sampled_logprobs[3]));
}

TEST(TrainingBatch, WeighsEachSequenceAlikeOrEachTokenAlike) {
  const PackedBatch by_sequence = pack_one(small_tree(), {}, true);
  EXPECT_FLOAT_EQ(by_sequence.coefficients[0], 1.0F / (4 * 3));
  EXPECT_FLOAT_EQ(by_sequence.coefficients[3], -1.0F / (4 * 2));
  EXPECT_FLOAT_EQ(by_sequence.coefficients[5], 0.5F / 4);
  LossRule rule;
  rule.weighting = LossRule::Weighting::kToken;
  const PackedBatch by_token = pack_one(small_tree(), rule, true);
  EXPECT_FLOAT_EQ(by_token.coefficients[0], 1.0F / 8);
  EXPECT_FLOAT_EQ(by_token.coefficients[5], 0.5F / 8);
}

TEST(TrainingBatch, SharedAndReplicatedPackingPredictTheSameRows) {
  TrainingTree tree = small_tree();
  EXPECT_EQ(rows_of(pack_one(tree, {}, true)), rows_of(pack_one(tree, {}, false)));
  for (TrainingSequence& sequence : tree.suffixes)
    sequence.active_begin = 0;  // loss on the prefix too
  EXPECT_EQ(rows_of(pack_one(tree, {}, true)), rows_of(pack_one(tree, {}, false)));
  tree.prefix_tokens.clear();  // a reset to the first thought
  EXPECT_EQ(rows_of(pack_one(tree, {}, true)), rows_of(pack_one(tree, {}, false)));
}

TEST(TrainingBatch, LeavesOutWhatHasNoAdvantageOrNoActiveToken) {
  TrainingTree tree = small_tree();
  for (TrainingSequence& sequence : tree.fresh) sequence.advantage = 0;
  tree.suffixes[1].active_begin = 3;
  const PackedBatch batch = pack_one(tree, {}, true);
  EXPECT_EQ(batch.num_sequences, 1);
  EXPECT_FLOAT_EQ(batch.coefficients[0], -1.0F / (4 * 2));
  tree.suffixes[0].advantage = 0;
  const TrainingTree* trees[] = {&tree};
  EXPECT_TRUE(pack_trees(trees, {}, count_divisors({&tree, 1}), {}).empty());
}

TEST(TrainingBatch, ComputesThePrefixWithTheChainItWasCutFrom) {
  TrainingTree tree = small_tree();
  tree.fresh[0].tokens = {40, 41, 42, 43};
  tree.fresh[0].sampled_logprobs.clear();
  const PackedBatch batch = pack_one(tree, {}, true);
  EXPECT_THAT(batch.tokens, ElementsAre(10, 11, 40, 41, 42, 50));
  EXPECT_THAT(batch.positions, ElementsAre(0, 1, 2, 3, 4, 4));
  EXPECT_EQ(rows_of(batch), rows_of(pack_one(tree, {}, false)));
}

TEST(TrainingBatch, FillsMicroBatchesUpToTheBudget) {
  TrainingTree others[3];
  for (int32_t i = 0; i < 3; ++i) {
    others[i] = small_tree();  // 7 tokens
    others[i].prompt_tokens[0] = i;
  }
  TrainingTree large = small_tree();
  large.prompt_tokens.assign(30, 9);
  const TrainingTree* trees[] = {&others[0], &large, &others[1], &others[2]};
  PackingOptions options;
  options.micro_batch_tokens = 14;
  const auto batches = pack_trees(trees, {}, {16, 32}, options);
  ASSERT_EQ(batches.size(), 4U);
  // The longest text has 33 tokens: no micro-batch is larger.
  EXPECT_EQ(batches[0].num_tokens(), 33);
  EXPECT_EQ(batches[1].num_tokens(), 32);
  EXPECT_EQ(batches[2].num_tokens(), 14);
  EXPECT_EQ(batches[3].num_tokens(), 7);
  EXPECT_EQ(rows_of(batches[2]).size(), 12U);
}

/// Chains that leave each other anywhere, as those of a tree search do.
TrainingTree branching_tree(core::Rng& rng) {
  TrainingTree tree;
  for (uint64_t i = 0; i <= rng.below(4); ++i) tree.prompt_tokens.push_back(1);
  for (uint64_t i = 0; i < 1 + rng.below(12); ++i) {
    TrainingSequence sequence;
    if (!tree.fresh.empty()) {
      const auto& before = tree.fresh[rng.below(tree.fresh.size())].tokens;
      sequence.tokens.assign(
          before.begin(),
          before.begin() + static_cast<int64_t>(rng.below(before.size() + 1)));
    }
    for (uint64_t t = 0; t < 1 + rng.below(6); ++t)
      sequence.tokens.push_back(static_cast<int32_t>(rng.below(3)));
    sequence.active_begin = static_cast<uint32_t>(rng.below(sequence.tokens.size()));
    sequence.advantage = rng.normal();
    tree.fresh.push_back(sequence);
  }
  tree.num_counted = static_cast<uint32_t>(tree.fresh.size());
  return tree;
}

TEST(TrainingBatch, SharesEveryBeginningOfRandomTrees) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    core::Rng rng(seed, core::Purpose::kTest, 0);
    std::vector<TrainingTree> trees;
    for (int i = 0; i < 3; ++i) trees.push_back(branching_tree(rng));
    std::vector<const TrainingTree*> pointers;
    std::set<std::vector<int32_t>> beginnings;
    for (const auto& tree : trees) {
      pointers.push_back(&tree);
      for (const auto& sequence : tree.fresh) {
        std::vector<int32_t> text = tree.prompt_tokens;
        text.insert(text.end(), sequence.tokens.begin(), sequence.tokens.end());
        for (text.pop_back(); !text.empty(); text.pop_back()) beginnings.insert(text);
      }
    }
    const auto shared = pack_trees(pointers, {}, count_divisors(trees), {});
    ASSERT_EQ(shared.size(), 1U);
    EXPECT_EQ(shared[0].num_tokens(), static_cast<int64_t>(beginnings.size())) << seed;
    PackingOptions options;
    options.share_prefixes = false;
    const auto replicated = pack_trees(pointers, {}, count_divisors(trees), options);
    EXPECT_EQ(rows_of(shared[0]), rows_of(replicated.at(0))) << seed;
    // Small micro-batches have the same rows among them.
    options = {};
    options.micro_batch_tokens = 9;
    std::multiset<std::string> rows;
    for (const auto& batch : pack_trees(pointers, {}, count_divisors(trees), options)) {
      rows.merge(rows_of(batch));
    }
    EXPECT_EQ(rows, rows_of(shared[0])) << seed;
  }
}

TEST(TrainingBatch, RefusesTreesThatCannotBeTrue) {
  const auto refuses = [](const TrainingTree& tree) {
    const TrainingTree* trees[] = {&tree};
    EXPECT_THROW(pack_trees(trees, {}, {4, 8}, {}), core::Error);
  };
  TrainingTree tree = small_tree();
  tree.prompt_tokens.clear();
  refuses(tree);
  tree = small_tree();
  tree.suffixes[0].tokens[1] = 7;
  refuses(tree);
  tree = small_tree();
  tree.fresh[0].sampled_logprobs.pop_back();
  refuses(tree);
}

}  // namespace
}  // namespace srpo::rl
