// What tokenizer_config.json says beside a tokenizer.json: the named tokens and the chat
// template.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace srpo::text {

struct TokenizerConfig {
  std::optional<std::string> bos_token;
  std::optional<std::string> eos_token;
  std::optional<std::string> pad_token;
  std::optional<std::string> unk_token;
  std::optional<std::string> chat_template;

  /// Reads tokenizer_config.json in the folder of `file`; empty when there is none.
  /// Throws kBadFile when it is broken.
  static TokenizerConfig load_beside(const std::filesystem::path& file);
};

}  // namespace srpo::text
