// Small rollout trees for the tests of algorithms.
#pragma once

#include <utility>
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
  const size_t place = tree.fresh.empty() ? 0 : 1;
  tree.fresh.insert(tree.fresh.begin() + static_cast<long>(place),
                    chain_of(records::Use::kSeed, 0, 20, 9000));
  tree.fresh.push_back(chain_of(records::Use::kSurplus, 1, 7, 8000));
  tree.fresh[place].id.index = 77;
  tree.fresh.back().id.index = 78;
  tree.localization.emplace();
  tree.prefix_length = prefix;
  for (const double reward : suffixes) {
    const int i = static_cast<int>(tree.suffixes.size());
    records::Trajectory ending =
        chain_of(records::Use::kSuffix, reward, 5 + i, 1000 * (i + 1));
    const auto& seed = tree.fresh[place].tokens;
    ending.tokens.insert(ending.tokens.begin(), seed.begin(), seed.begin() + prefix);
    ending.logprobs.insert(ending.logprobs.begin(), prefix, -0.25F);
    ending.prefix_length = prefix;
    ending.id.kind = records::DrawKind::kSuffix;
    ending.id.index = static_cast<uint16_t>(i);
    ending.parent = tree.fresh[place].id;
    tree.suffixes.push_back(std::move(ending));
  }
  return tree;
}

/// Split 2x4: a second failed chain, of tokens from 7000 on, with its own endings.
inline records::RolloutTree two_resets_tree(const std::vector<double>& first,
                                            uint32_t first_prefix,
                                            const std::vector<double>& second,
                                            uint32_t second_prefix) {
  records::RolloutTree tree = reset_tree({1}, first, first_prefix);
  tree.fresh[0].use = records::Use::kSurplus;
  tree.fresh.push_back(chain_of(records::Use::kSeed, 0, 20, 7000));
  tree.fresh.back().id.index = 79;
  tree.further.emplace_back();
  for (const double reward : second) {
    const int i = static_cast<int>(tree.suffixes.size());
    records::Trajectory ending =
        chain_of(records::Use::kSuffix, reward, 5 + i, 1000 * (i + 1));
    const auto& seed = tree.fresh.back().tokens;
    ending.tokens.insert(ending.tokens.begin(), seed.begin(),
                         seed.begin() + second_prefix);
    ending.logprobs.insert(ending.logprobs.begin(), second_prefix, -0.25F);
    ending.prefix_length = second_prefix;
    ending.id.kind = records::DrawKind::kSuffix;
    ending.id.index = static_cast<uint16_t>(i);
    ending.parent = tree.fresh.back().id;
    tree.suffixes.push_back(std::move(ending));
  }
  return tree;
}

/// `attempts` pairs of rewards: each chain with a second attempt behind a prompt of its
/// own.
inline records::RolloutTree pairs_tree(
    const std::vector<std::pair<double, double>>& attempts) {
  std::vector<double> firsts;
  for (const auto& [first, second] : attempts) firsts.push_back(first);
  records::RolloutTree tree = fresh_tree(firsts);
  for (size_t i = 0; i < attempts.size(); ++i) {
    const int number = static_cast<int>(i);
    records::Trajectory attempt = chain_of(records::Use::kSuffix, attempts[i].second,
                                           6 + number, 5000 + 100 * number);
    attempt.id.kind = records::DrawKind::kSuffix;
    attempt.id.index = static_cast<uint16_t>(i);
    attempt.parent = tree.fresh[i].id;
    attempt.prompt_tokens = {3, 2, 1, number};
    tree.suffixes.push_back(std::move(attempt));
  }
  return tree;
}

}  // namespace srpo::rl
