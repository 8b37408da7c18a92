#include "engine/chain_rules.h"

namespace srpo::engine {

using records::FinishReason;

ChainRules::ChainRules(const records::GenerationRequest& request, int64_t context_tokens)
    : limits_(request.limits),
      prompt_length_(static_cast<int64_t>(request.prompt_tokens.size())),
      context_tokens_(context_tokens),
      length_(static_cast<int64_t>(request.prefix_tokens.size())),
      thought_begin_(length_),
      thought_ends_(request.prefix_thought_ends),
      answer_mark_("\\boxed{") {
  if (limits_.thoughts) {
    end_marks_.emplace_back("</thought>");
    return;
  }
  for (const std::string& stop : limits_.stops) end_marks_.emplace_back(stop);
}

/// True if one of the marks ends in these bytes. Each has to see them.
bool ChainRules::ends_in(std::string_view bytes) {
  bool found = false;
  for (ByteMatcher& mark : end_marks_) found = mark.feed(bytes) || found;
  return found;
}

std::optional<FinishReason> ChainRules::before_first_token() const {
  return check_room();
}

std::optional<FinishReason> ChainRules::add(std::string_view bytes, bool ends_text) {
  ++length_;
  if (limits_.thoughts) return add_to_thought(bytes, ends_text);
  if (ends_text || ends_in(bytes)) return FinishReason::kEndOfText;
  return check_room();
}

std::optional<FinishReason> ChainRules::add_to_thought(std::string_view bytes,
                                                       bool ends_text) {
  const bool marked = ends_in(bytes);
  has_answer_ = answer_mark_.feed(bytes) || has_answer_;
  if (!marked && !ends_text && length_ - thought_begin_ < limits_.thought_tokens) {
    return std::nullopt;
  }
  thought_ends_.push_back(static_cast<uint32_t>(length_));
  if (has_answer_) return FinishReason::kAnswer;
  if (ends_text) return FinishReason::kEndOfText;
  thought_begin_ = length_;
  for (ByteMatcher& mark : end_marks_) mark.reset();
  answer_mark_.reset();
  return check_room();
}

std::optional<FinishReason> ChainRules::check_room() const {
  if (limits_.thoughts &&
      static_cast<int64_t>(thought_ends_.size()) >= limits_.max_thoughts) {
    return FinishReason::kThoughtLimit;
  }
  const int64_t next = limits_.thoughts ? limits_.thought_tokens : 1;
  if (length_ + next > limits_.response_tokens ||
      prompt_length_ + length_ + next > context_tokens_) {
    return FinishReason::kTokenLimit;
  }
  return std::nullopt;
}

}  // namespace srpo::engine
