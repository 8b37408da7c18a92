// What a learner is given for one problem: sequences with advantages, and what they
// share.
#pragma once

#include <cstdint>
#include <vector>

namespace srpo::rl {

/// One response that carries loss. `tokens` starts right after the prompt and includes a
/// kept prefix.
struct TrainingSequence {
  std::vector<int32_t> tokens;
  std::vector<float> sampled_logprobs;  ///< one for each token; empty: not known (sft)
  uint32_t active_begin = 0;  ///< first token that carries loss (method §4.2: s_i)
  double advantage = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("tokens", self.tokens);
    visit("sampled_logprobs", self.sampled_logprobs);
    visit("active_begin", self.active_begin);
    visit("advantage", self.advantage);
  }
};

/// Sequences behind one prompt. Those of one reset share `prefix_tokens`, which is
/// computed once for all of them.
struct TrainingTree {
  std::vector<int32_t> prompt_tokens;
  std::vector<TrainingSequence> fresh;  ///< directly behind the prompt
  std::vector<int32_t>
      prefix_tokens;  ///< response tokens that every suffix begins with; may be empty
  std::vector<TrainingSequence> suffixes;  ///< tokens begin with prefix_tokens
  uint32_t num_counted = 0;  ///< sequences in the divisor N, those of zero advantage
                             ///< included though left out above
  uint64_t active_tokens_counted =
      0;  ///< their active tokens, the divisor of token weighting

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("prompt_tokens", self.prompt_tokens);
    visit("fresh", self.fresh);
    visit("prefix_tokens", self.prefix_tokens);
    visit("suffixes", self.suffixes);
    visit("num_counted", self.num_counted);
    visit("active_tokens_counted", self.active_tokens_counted);
  }
};

/// How token log-probabilities become a loss (method §4.2, §4.3).
struct LossRule {
  enum class Weighting : uint8_t {
    kSequence,  ///< mean over a sequence's active tokens, then mean over all counted
                ///< sequences
    kToken,     ///< mean over all active tokens of the mini-batch
  };
  Weighting weighting = Weighting::kSequence;
  double clip = 0;       ///< PPO ratio clip on both sides; 0: no ratio at all
  double dual_clip = 0;  ///< lower bound c of a negative advantage's clipped term; 0: off
  double temperature = 0.7;  ///< logits are divided by it before log-softmax

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("weighting", self.weighting);
    visit("clip", self.clip);
    visit("dual_clip", self.dual_clip);
    visit("temperature", self.temperature);
  }
};

}  // namespace srpo::rl
