// A small model, trees of every kind, and a run of N ranks as threads.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comm/local_process_group.h"
#include "comm/self_process_group.h"
#include "core/random.h"
#include "learner/learner.h"
#include "model/initialization.h"

namespace srpo::learner {

inline model::ModelConfig tiny_model() {
  model::ModelConfig config;
  config.vocab_size = 29;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_layers = 2;
  config.num_heads = 4;
  config.num_kv_heads = 2;
  config.head_dim = 4;
  config.max_positions = 256;
  config.tie_embeddings = true;
  return config;
}

inline LearnerConfig tiny_learner(bool lora = false) {
  LearnerConfig config;
  config.lora = lora;
  config.lora_rank = 4;
  config.lora_alpha = 8;
  config.learning_rate = 1e-3;
  config.micro_batch_tokens = 60;
  config.updates_per_batch = 2;
  return config;
}

inline std::vector<int32_t> random_tokens(core::Rng& rng, size_t length) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < length; ++i)
    tokens.push_back(static_cast<int32_t>(rng.below(29)));
  return tokens;
}

inline rl::TrainingSequence random_sequence(core::Rng& rng, std::vector<int32_t> prefix,
                                            double advantage) {
  rl::TrainingSequence sequence;
  sequence.active_begin = static_cast<uint32_t>(prefix.size());
  sequence.tokens = std::move(prefix);
  const auto own = random_tokens(rng, 1 + rng.below(12));
  sequence.tokens.insert(sequence.tokens.end(), own.begin(), own.end());
  for (size_t i = 0; i < sequence.tokens.size(); ++i) {
    sequence.sampled_logprobs.push_back(static_cast<float>(-3.4 + 0.2 * rng.uniform()));
  }
  sequence.advantage = advantage;
  return sequence;
}

/// Fresh chains and suffixes; some of zero advantage, some trees without any.
inline std::vector<rl::TrainingTree> random_trees(size_t count, uint64_t seed) {
  std::vector<rl::TrainingTree> trees;
  for (size_t i = 0; i < count; ++i) {
    core::Rng rng(seed, core::Purpose::kTest, i);
    rl::TrainingTree tree;
    tree.prompt_tokens = random_tokens(rng, 3 + rng.below(10));
    tree.prefix_tokens = random_tokens(rng, rng.below(9));
    const bool flat = i % 4 == 3;
    for (int k = 0; k < 4; ++k) {
      const double advantage = flat || k == 2 ? 0 : rng.normal();
      tree.fresh.push_back(random_sequence(rng, {}, advantage));
      tree.suffixes.push_back(
          random_sequence(rng, tree.prefix_tokens, flat ? 0 : rng.normal()));
    }
    tree.num_counted = 8;
    for (const auto* sequences : {&tree.fresh, &tree.suffixes}) {
      for (const auto& sequence : *sequences) {
        tree.active_tokens_counted += sequence.tokens.size() - sequence.active_begin;
      }
    }
    trees.push_back(std::move(tree));
  }
  return trees;
}

/// Runs `work` on every rank of a local group and returns rank 0's weights.
inline model::TensorMap train_on(
    int num_ranks, const LearnerConfig& config,
    const std::function<void(Learner&, comm::ProcessGroup&)>& work) {
  const model::TensorMap initial = model::make_initial_weights(tiny_model(), 1);
  auto ranks = comm::make_local_group(num_ranks, std::chrono::seconds(60));
  std::vector<model::TensorMap> results(ranks.size());
  {
    std::vector<std::jthread> threads;
    for (auto& rank : ranks) {
      threads.emplace_back([&, group = rank.get()] {
        Learner learner(config, tiny_model(), initial, *group);
        work(learner, *group);
        results[static_cast<size_t>(group->rank())] = learner.trainable_weights();
      });
    }
  }
  for (const auto& result : results) {
    for (const auto& [name, tensor] : result)
      EXPECT_TRUE(tensor.equal(results[0].at(name))) << name;
  }
  return results[0];
}

inline double largest_difference(const model::TensorMap& a, const model::TensorMap& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (const auto& [name, tensor] : a) {
    largest = std::max(largest, (tensor - b.at(name)).abs().max().item<double>());
  }
  return largest;
}

}  // namespace srpo::learner
