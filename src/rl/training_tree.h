// What a learner is given for one problem: sequences with advantages, and what they
// share.
#pragma once

#include <cstddef>
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
  double kl = 0;  ///< weight of its mean divergence from the reference model
  std::vector<uint8_t> loss_mask = {};  ///< 0: a token without loss behind active_begin;
                                        ///< one for each token, or empty: none is

  bool is_active(size_t token) const {
    return token >= active_begin && (loss_mask.empty() || loss_mask[token] != 0);
  }
  uint64_t num_active() const {
    uint64_t count = 0;
    for (size_t t = active_begin; t < tokens.size(); ++t) count += is_active(t) ? 1 : 0;
    return count;
  }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("tokens", self.tokens);
    visit("sampled_logprobs", self.sampled_logprobs);
    visit("active_begin", self.active_begin);
    visit("advantage", self.advantage);
    visit("kl", self.kl);
    visit("loss_mask", self.loss_mask);
  }
};

/// Sequences that share what they begin with.
struct TrainingBranch {
  std::vector<int32_t> prompt_tokens;  ///< empty: the tree's
  std::vector<int32_t> prefix_tokens;  ///< every sequence's tokens begin with them
  std::vector<TrainingSequence> sequences;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("prompt_tokens", self.prompt_tokens);
    visit("prefix_tokens", self.prefix_tokens);
    visit("sequences", self.sequences);
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
  std::vector<TrainingBranch> further;     ///< of a second reset, and so on
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
    visit("further", self.further);
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
    kConstant,  ///< sum over a sequence's active tokens divided by constant_length, then
                ///< mean over all counted sequences
  };
  /// Of the divergence from the reference model, with d = log p_ref - log p.
  enum class Divergence : uint8_t {
    kLowVariance,  ///< exp(d) - d - 1
    kSquared,      ///< d^2 / 2
  };
  Weighting weighting = Weighting::kSequence;
  double clip = 0;  ///< ratio clip below 1, and above it where clip_high is 0; 0: no clip
  double dual_clip = 0;  ///< lower bound c of a negative advantage's clipped term; 0: off
  double temperature = 0.7;  ///< logits are divided by it before log-softmax
  double clip_high = 0;      ///< ratio clip above 1
  bool bare_ratio = false;   ///< a ratio though nothing clips it
  bool sequence_ratio =
      false;  ///< one ratio a sequence, the geometric mean of its tokens'
  /// Without a ratio: each row times min(p / p_sampled, cap), a constant to the gradient;
  /// 0: off.
  double importance_cap = 0;
  /// Rows whose sampled log-probability is not known take A p / (p + shape) in place of a
  /// ratio; 0: A log p.
  double shape = 0;
  /// Such rows take A log p where there is no shape and the rule has a ratio.
  bool unknown_is_on_policy = false;
  Divergence divergence = Divergence::kLowVariance;
  uint32_t constant_length = 0;  ///< kConstant

  bool has_ratio() const { return clip > 0 || clip_high > 0 || bare_ratio; }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("weighting", self.weighting);
    visit("clip", self.clip);
    visit("dual_clip", self.dual_clip);
    visit("temperature", self.temperature);
    visit("clip_high", self.clip_high);
    visit("bare_ratio", self.bare_ratio);
    visit("sequence_ratio", self.sequence_ratio);
    visit("importance_cap", self.importance_cap);
    visit("shape", self.shape);
    visit("unknown_is_on_policy", self.unknown_is_on_policy);
    visit("divergence", self.divergence);
    visit("constant_length", self.constant_length);
  }
};

}  // namespace srpo::rl
