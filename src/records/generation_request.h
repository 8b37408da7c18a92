// What a generator is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/ids.h"

namespace srpo::records {

/// temperature 0 is greedy (ties to the lowest id).
struct Sampling {
  double temperature = 0.7;
  double top_p = 0.95;
  int32_t top_k = 0;  ///< 0: off
  uint64_t seed = 0;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("temperature", self.temperature);
    visit("top_p", self.top_p);
    visit("top_k", self.top_k);
    visit("seed", self.seed);
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
  int32_t context_tokens = 8192;  ///< prompt and response together
  std::string stop;               ///< plain text ends after this string; "" for none

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("thoughts", self.thoughts);
    visit("max_thoughts", self.max_thoughts);
    visit("thought_tokens", self.thought_tokens);
    visit("response_tokens", self.response_tokens);
    visit("context_tokens", self.context_tokens);
    visit("stop", self.stop);
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
  bool retain = false;  ///< keep the cache of the finished chain until it is released

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
  }
};

}  // namespace srpo::records
