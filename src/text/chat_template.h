// Turns a conversation into the text that a model was trained to continue.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "text/jinja_syntax.h"
#include "text/tokenizer_config.h"

namespace srpo::text {

struct Message {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// Thread-safe.
class ChatTemplate {
 public:
  /// From a model's folder (or its tokenizer.json): chat_template.jinja, else
  /// `chat_template` in tokenizer_config.json. Throws kBadFile when there is none, or
  /// naming what in it is wrong or not supported.
  static ChatTemplate load(const std::filesystem::path& folder);
  /// Whether load finds a template there.
  static bool exists(const std::filesystem::path& folder);

  /// `place` stands for the template in messages; `config` gives it bos_token and the
  /// like.
  ChatTemplate(const std::string& source, TokenizerConfig config, std::string place);

  /// `add_generation_prompt` opens the assistant's turn. Throws kBadInput when the
  /// template itself refuses the messages.
  std::string render(const std::vector<Message>& messages,
                     bool add_generation_prompt) const;

  /// The same with all that transformers.apply_chat_template takes: an object of
  /// "messages" (any fields), and maybe "tools", "documents", "add_generation_prompt"
  /// (false without it) and further variables of the template. Throws kBadInput, too,
  /// naming what in the request is not as it should be.
  std::string render(const nlohmann::ordered_json& request) const;

 private:
  std::string run(JinjaDict variables) const;

  TokenizerConfig config_;
  std::string place_;
  std::shared_ptr<const JinjaBody> body_;  // shared by copies
};

}  // namespace srpo::text
