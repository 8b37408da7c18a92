#include "learner/learner_benchmark.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"

namespace srpo::learner {

namespace {

std::vector<int32_t> draw_tokens(core::Rng& rng, int64_t count, int64_t vocab_size) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<int32_t>(rng.below(static_cast<uint64_t>(vocab_size))));
  return tokens;
}

int64_t draw_thoughts(core::Rng& rng, int64_t mean) {
  const double spread = static_cast<double>(mean) / 4;
  return std::max<int64_t>(
      2, std::llround(static_cast<double>(mean) + spread * rng.normal()));
}

/// Zero or one for each of four chains, not all alike, as advantages of their group.
std::vector<double> draw_advantages(core::Rng& rng) {
  const auto correct = static_cast<double>(1 + rng.below(3));
  const double mean = correct / 4;
  const double deviation = std::sqrt(mean * (1 - mean));
  std::vector<double> advantages;
  for (int i = 0; i < 4; ++i)
    advantages.push_back(((i < correct ? 1 : 0) - mean) / deviation);
  return advantages;
}

}  // namespace

std::vector<rl::TrainingTree> make_srpo_batch(const BatchShape& shape, ResetDraw draw,
                                              uint64_t seed) {
  std::vector<rl::TrainingTree> trees;
  for (int64_t index = 0; index < shape.trees; ++index) {
    core::Rng rng(seed, core::Purpose::kTest, static_cast<uint64_t>(index));
    rl::TrainingTree tree;
    tree.prompt_tokens = draw_tokens(rng, shape.prompt_tokens, shape.vocab_size);
    std::vector<int64_t> thoughts;
    const auto base = draw_advantages(rng);
    for (const double advantage : base) {
      thoughts.push_back(draw_thoughts(rng, shape.thoughts));
      tree.fresh.push_back(
          {draw_tokens(rng, thoughts.back() * shape.thought_tokens, shape.vocab_size),
           {},
           0,
           advantage});
    }
    // The last chain is wrong: it is gone back into.
    const double where =
        draw == ResetDraw::kUniform ? rng.uniform() : std::pow(rng.uniform(), 2.0);
    const auto kept = static_cast<int64_t>(where * static_cast<double>(thoughts[3]));
    tree.prefix_tokens.assign(tree.fresh[3].tokens.begin(),
                              tree.fresh[3].tokens.begin() + kept * shape.thought_tokens);
    for (const double advantage : draw_advantages(rng)) {
      const int64_t rest =
          std::max<int64_t>(1, draw_thoughts(rng, shape.thoughts) - kept);
      std::vector<int32_t> tokens = tree.prefix_tokens;
      const auto own = draw_tokens(rng, rest * shape.thought_tokens, shape.vocab_size);
      tokens.insert(tokens.end(), own.begin(), own.end());
      tree.suffixes.push_back({std::move(tokens),
                               {},
                               static_cast<uint32_t>(tree.prefix_tokens.size()),
                               advantage});
    }
    tree.num_counted = 8;
    for (const auto* sequences : {&tree.fresh, &tree.suffixes}) {
      for (const auto& sequence : *sequences)
        tree.active_tokens_counted += sequence.tokens.size() - sequence.active_begin;
    }
    trees.push_back(std::move(tree));
  }
  return trees;
}

model::ModelConfig benchmark_model(int64_t hidden_size, int64_t num_layers,
                                   int64_t vocab_size) {
  model::ModelConfig config;
  config.vocab_size = vocab_size;
  config.hidden_size = hidden_size;
  config.intermediate_size = hidden_size * 8 / 3 / 16 * 16;
  config.num_layers = num_layers;
  config.head_dim = 64;
  config.num_heads = hidden_size / 64;
  config.num_kv_heads = std::max<int64_t>(1, config.num_heads / 2);
  config.max_positions = 4096;
  config.tie_embeddings = true;
  return config;
}

}  // namespace srpo::learner
