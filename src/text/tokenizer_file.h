// Reads a Hugging Face tokenizer.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/pre_tokenizer.h"

namespace srpo::text {

/// All that a byte-level BPE file says.
struct TokenizerFile {
  BpeModel model;
  std::vector<AddedToken> added_tokens;
  bool compose = false;  ///< normalise to NFC
  std::vector<PreTokenizerStep> steps;
  std::vector<int32_t> before;  ///< special tokens that go around a text
  std::vector<int32_t> after;
};

/// Throws kBadFile naming what is wrong or asked for and not supported; `place` stands
/// for the file in messages.
TokenizerFile parse_tokenizer_file(const std::string& content, const std::string& place);

}  // namespace srpo::text
