// Decodes tokens as they come, in pieces that never split a character.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace srpo::text {

/// The pieces together are what Tokenizer::decode gives for all tokens at once. One
/// thread at a time.
class StreamingDecoder {
 public:
  explicit StreamingDecoder(Tokenizer tokenizer, bool skip_special = false)
      : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}

  /// The text that is complete with this token, UTF-8; up to three bytes of a character
  /// that may still go on are kept back. "" for an id without a token.
  std::string push(int32_t id);

  /// What was kept back, as U+FFFD: no token follows. Afterwards a new text may begin.
  std::string finish();

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  std::string unfinished_;
};

}  // namespace srpo::text
