// One sampled sequence with all that is known about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/ids.h"
#include "records/verdict.h"

namespace srpo::records {

/// Why a chain ended (method §1.5).
enum class FinishReason : uint8_t {
  kAnswer = 0,        ///< a thought contains `\boxed{`
  kEndOfText = 1,     ///< the end-of-text token, or the stop string
  kThoughtLimit = 2,  ///< max_thoughts
  kTokenLimit = 3,    ///< response or context budget
};

inline const char* name_of(FinishReason reason) {
  static constexpr const char* kNames[] = {"answer", "end_of_text", "thought_limit",
                                           "token_limit"};
  return kNames[static_cast<int>(reason)];
}

/// What the method does with a trajectory (method §2.2).
enum class Use : uint8_t {
  kBase = 0,        ///< trained, in the base group
  kSeed = 1,        ///< gone back into; not trained (spo_tree: through its endings)
  kSuffix = 2,      ///< trained after its kept prefix, in the suffix group
  kSurplus = 3,     ///< drawn while looking for a failure, not needed; not trained
  kValidation = 4,  ///< measures the policy; not trained
};

inline const char* name_of(Use use) {
  static constexpr const char* kNames[] = {"base", "seed", "suffix", "surplus",
                                           "validation"};
  return kNames[static_cast<int>(use)];
}

/// From which response token on the weights of a policy version drew: to the next span,
/// or to the end.
struct VersionSpan {
  uint32_t first_token = 0;
  uint32_t version = 0;

  bool operator==(const VersionSpan&) const = default;

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("first_token", self.first_token);
    visit("version", self.version);
  }
};

struct Trajectory {
  TrajectoryId id;
  Use use = Use::kBase;
  std::vector<int32_t> tokens;  ///< response, kept prefix included
  std::vector<float>
      logprobs;  ///< under the tempered, untruncated distribution, one for each token
  /// Of the sampled tokens, from prefix_length on: under the distribution they were drawn
  /// from, that is with penalties and bias, truncated and renormalised. Known where it
  /// was drawn, neither sent nor stored.
  std::vector<float> truncated_logprobs;
  std::vector<uint32_t>
      thought_ends;  ///< exclusive, in response tokens: [0, e0), [e0, e1) ...
  uint32_t prefix_length =
      0;  ///< response tokens that were kept from the parent, 0 for a fresh chain
  FinishReason finish = FinishReason::kEndOfText;
  uint32_t policy_version =
      0;  ///< number of optimizer steps behind the weights that drew its last token
  std::vector<VersionSpan>
      version_spans;  ///< of the sampled tokens, from prefix_length on; empty for none
  std::optional<TrajectoryId> parent;  ///< whose beginning was kept, or that was shown;
                                       ///< may be absent when nothing was
  uint64_t seed = 0;    ///< key of its randomness: the run's seed (core/random.h)
  uint64_t stream = 0;  ///< stream of its randomness: id.key()
  std::string text;     ///< response decoded, special tokens visible
  Verdict verdict;
  uint32_t decoded_tokens = 0;  ///< tokens sampled for it
  uint32_t prefilled_tokens =
      0;                   ///< tokens computed again for it: 0 when a cache was forked
  double seconds = 0;      ///< from submission to end, in the engine
  uint32_t generator = 0;  ///< rank that drew it
  std::vector<int32_t>
      prompt_tokens;  ///< that it was drawn from, where that is not its tree's: of a
                      ///< second attempt, which is shown the first; else empty

  /// Of the weights that drew its first token.
  uint32_t oldest_version() const {
    return version_spans.empty() ? policy_version : version_spans.front().version;
  }

  template <class Self, class Visit>
  static void visit_fields(Self& self, Visit&& visit) {
    visit("id", self.id);
    visit("use", self.use);
    visit("tokens", self.tokens);
    visit("logprobs", self.logprobs);
    visit("thought_ends", self.thought_ends);
    visit("prefix_length", self.prefix_length);
    visit("finish", self.finish);
    visit("policy_version", self.policy_version);
    visit("text", self.text);
    visit("verdict", self.verdict);
    visit("decoded_tokens", self.decoded_tokens);
    visit("prefilled_tokens", self.prefilled_tokens);
    visit("seconds", self.seconds);
    visit("generator", self.generator);
    visit("version_spans", self.version_spans);
    visit("parent", self.parent);
    visit("seed", self.seed);
    visit("stream", self.stream);
    visit("prompt_tokens", self.prompt_tokens);
  }
};

}  // namespace srpo::records
