// Small rollout trees for the tests of algorithms.
#pragma once

#include <vector>

#include "records/rollout_tree.h"

namespace srpo::rl {

/// A verified chain of `num_tokens` tokens `first`, `first` + 1, ...
inline records::Trajectory chain_of(records::Use use, double reward, int num_tokens,
                                    int first) {
  records::Trajectory chain;
  chain.use = use;
  chain.verdict.reward = reward;
  for (int i = 0; i < num_tokens; ++i) {
    chain.tokens.push_back(first + i);
    chain.logprobs.push_back(-0.5F);
  }
  return chain;
}

/// Fresh chains in the base group with these rewards; chain i has 10 + i tokens from 100
/// i on.
inline records::RolloutTree fresh_tree(const std::vector<double>& rewards) {
  records::RolloutTree tree;
  tree.prompt_tokens = {1, 2, 3};
  for (const double reward : rewards) {
    const int i = static_cast<int>(tree.fresh.size());
    tree.fresh.push_back(chain_of(records::Use::kBase, reward, 10 + i, 100 * i));
    tree.fresh.back().id.index = static_cast<uint16_t>(i);
  }
  return tree;
}

/// A seed of 20 tokens from 9000 on is gone back into after `prefix` tokens; ending i has
/// 5 + i tokens of its own.
inline records::RolloutTree reset_tree(const std::vector<double>& base,
                                       const std::vector<double>& suffixes,
                                       uint32_t prefix) {
  records::RolloutTree tree = fresh_tree(base);
  tree.fresh.insert(tree.fresh.begin() + 1, chain_of(records::Use::kSeed, 0, 20, 9000));
  tree.fresh.push_back(chain_of(records::Use::kSurplus, 1, 7, 8000));
  tree.localization.emplace();
  tree.prefix_length = prefix;
  for (const double reward : suffixes) {
    const int i = static_cast<int>(tree.suffixes.size());
    records::Trajectory ending =
        chain_of(records::Use::kSuffix, reward, 5 + i, 1000 * (i + 1));
    const auto& seed = tree.fresh[1].tokens;
    ending.tokens.insert(ending.tokens.begin(), seed.begin(), seed.begin() + prefix);
    ending.logprobs.insert(ending.logprobs.begin(), prefix, -0.25F);
    ending.prefix_length = prefix;
    tree.suffixes.push_back(std::move(ending));
  }
  return tree;
}

}  // namespace srpo::rl
