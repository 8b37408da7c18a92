// When a thought ends, and when a chain does.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/byte_matcher.h"
#include "records/generation_request.h"
#include "records/trajectory.h"

namespace srpo::engine {

/// Follows one chain token by token. With thoughts: a thought ends with the token that
/// completes `</thought>` (whatever bytes follow in it), at `thought_tokens` tokens, or
/// with the end-of-text token; marks do not reach over a thought's edge. The chain ends
/// with a thought that contains `\boxed{` (kAnswer), else with the end of text
/// (kEndOfText), else where no further thought may begin: `max_thoughts` (kThoughtLimit),
/// or a full one would not fit into the response or the context (kTokenLimit). So the
/// last thought's end is always the chain's. Without thoughts: it ends with the end of
/// text or a stop string (kEndOfText), or when response or context is full
/// (kTokenLimit).
class ChainRules {
 public:
  /// `context_tokens`: the smaller of the request's and the model's. The kept prefix
  /// counts as said already.
  ChainRules(const records::GenerationRequest& request, int64_t context_tokens);

  /// Why nothing may be drawn at all, if so.
  std::optional<records::FinishReason> before_first_token() const;

  /// Takes the next token; why the chain ends with it, if it does.
  std::optional<records::FinishReason> add(std::string_view bytes, bool ends_text);

  const std::vector<uint32_t>& thought_ends() const { return thought_ends_; }

 private:
  std::optional<records::FinishReason> add_to_thought(std::string_view bytes,
                                                      bool ends_text);
  std::optional<records::FinishReason> check_room() const;
  bool ends_in(std::string_view bytes);

  records::ChainLimits limits_;
  int64_t prompt_length_;
  int64_t context_tokens_;
  int64_t length_;
  int64_t thought_begin_;
  bool has_answer_ = false;  ///< the thought under way contains `\boxed{`
  std::vector<uint32_t> thought_ends_;
  std::vector<ByteMatcher> end_marks_;  ///< of thoughts, or of plain text
  ByteMatcher answer_mark_;
};

}  // namespace srpo::engine
