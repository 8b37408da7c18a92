// What a generator is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/ids.h"

namespace srpo::records {

/// Added to the logit of one token.
struct LogitBias {
  int32_t token = 0;
  float bias = 0;

  bool operator==(const LogitBias&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("token", self.token);
    visit("bias", self.bias);
  }
};

/// temperature 0 is greedy (ties to the lowest id). Logits are changed in this order:
/// bias, repetition penalty, frequency and presence penalty, temperature; then min_p,
/// top_k and top_p cut the distribution, each what the one before has left.
struct Sampling {
  double temperature = 0.7;
  double top_p = 0.95;
  int32_t top_k = 0;  ///< 0: off
  uint64_t seed = 0;
  double min_p = 0;  ///< keeps tokens at least this share as likely as the likeliest
  /// Of tokens in prompt or response: positive logits are divided by it, others
  /// multiplied; 1: off.
  double repetition_penalty = 1;
  double presence_penalty = 0;   ///< subtracted for tokens in the response
  double frequency_penalty = 0;  ///< subtracted for each time in the response
  std::vector<LogitBias> logit_bias{};

  bool changes_logits() const {
    return repetition_penalty != 1 || presence_penalty != 0 || frequency_penalty != 0 ||
           !logit_bias.empty();
  }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("temperature", self.temperature);
    visit("top_p", self.top_p);
    visit("top_k", self.top_k);
    visit("seed", self.seed);
    visit("min_p", self.min_p);
    visit("repetition_penalty", self.repetition_penalty);
    visit("presence_penalty", self.presence_penalty);
    visit("frequency_penalty", self.frequency_penalty);
    visit("logit_bias", self.logit_bias);
  }
};

/// How far a chain may go (method §1.3). All counts include a kept prefix.
struct ChainLimits {
  bool thoughts = true;  ///< cut into thoughts and end at `\boxed{`; false: plain text to
                         ///< the end of text
  int32_t max_thoughts = 20;
  int32_t thought_tokens =
      256;  ///< a longer thought is cut there and goes on as the next one
  int32_t response_tokens = 5120;
  int32_t context_tokens = 8192;   ///< prompt and response together
  std::vector<std::string> stops;  ///< plain text ends behind the first of these

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("thoughts", self.thoughts);
    visit("max_thoughts", self.max_thoughts);
    visit("thought_tokens", self.thought_tokens);
    visit("response_tokens", self.response_tokens);
    visit("context_tokens", self.context_tokens);
    visit("stops", self.stops);
  }
};

struct GenerationRequest {
  TrajectoryId id;
  std::vector<int32_t> prompt_tokens;
  std::vector<int32_t>
      prefix_tokens;  ///< response tokens that are kept; empty for a fresh chain
  std::vector<float> prefix_logprobs;  ///< as sampled, one for each prefix token
  std::vector<uint32_t>
      prefix_thought_ends;  ///< ends (exclusive) of the kept thoughts, in response tokens
  std::optional<TrajectoryId>
      parent;  ///< whose cache holds the prefix, if it is still kept
  Sampling sampling;
  ChainLimits limits;
  bool retain = false;   ///< keep the cache of the finished chain until it is released
  int32_t priority = 0;  ///< greater ones get seats and memory first

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("prompt_tokens", self.prompt_tokens);
    visit("prefix_tokens", self.prefix_tokens);
    visit("prefix_logprobs", self.prefix_logprobs);
    visit("prefix_thought_ends", self.prefix_thought_ends);
    visit("parent", self.parent);
    visit("sampling", self.sampling);
    visit("limits", self.limits);
    visit("retain", self.retain);
    visit("priority", self.priority);
  }
};

}  // namespace srpo::records
