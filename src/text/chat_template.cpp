#include "text/chat_template.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "text/jinja_evaluator.h"
#include "text/jinja_json.h"
#include "text/jinja_parser.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

constexpr size_t kMaxTemplateBytes = size_t{1} << 20;

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return std::filesystem::is_directory(path) ? path : path.parent_path();
}

void check_utf8(const std::string& text, const char* what) {
  const auto invalid = find_invalid_utf8(text);
  REQUIRE(!invalid, kBadInput, what << " is not UTF-8 at byte " << *invalid);
}

}  // namespace

bool ChatTemplate::exists(const std::filesystem::path& path) {
  const auto folder = folder_of(path);
  return std::filesystem::exists(folder / "chat_template.jinja") ||
         TokenizerConfig::load_beside(folder / "tokenizer.json")
             .chat_template.has_value();
}

ChatTemplate ChatTemplate::load(const std::filesystem::path& path) {
  const auto folder = folder_of(path);
  TokenizerConfig config = TokenizerConfig::load_beside(folder / "tokenizer.json");
  const auto file = folder / "chat_template.jinja";
  if (std::filesystem::exists(file)) {
    return ChatTemplate(core::read_file(file), std::move(config), file.string());
  }
  const std::optional<std::string> source = config.chat_template;
  REQUIRE(source, kBadFile,
          folder.string() << " has no chat template (expected chat_template.jinja, or "
                             "chat_template in tokenizer_config.json)");
  return ChatTemplate(*source, std::move(config),
                      (folder / "tokenizer_config.json").string() + ": chat_template");
}

ChatTemplate::ChatTemplate(const std::string& source, TokenizerConfig config,
                           std::string place)
    : config_(std::move(config)), place_(std::move(place)) {
  REQUIRE(source.size() <= kMaxTemplateBytes, kBadFile,
          place_ << " has " << source.size() << " bytes (expected at most "
                 << kMaxTemplateBytes << ")");
  REQUIRE(!find_invalid_utf8(source), kBadFile, place_ << " is not UTF-8");
  body_ = std::make_shared<const JinjaBody>(parse_jinja(source, place_));
}

std::string ChatTemplate::run(JinjaDict variables) const {
  const auto add = [&](const char* name, const std::optional<std::string>& token) {
    const bool given = std::any_of(variables.begin(), variables.end(),
                                   [&](const auto& entry) { return entry.first == name; });
    if (token && !given) variables.emplace_back(name, JinjaValue::string(*token));
  };
  add("bos_token", config_.bos_token);
  add("eos_token", config_.eos_token);
  add("pad_token", config_.pad_token);
  add("unk_token", config_.unk_token);
  return run_jinja(*body_, std::move(variables), place_);
}

std::string ChatTemplate::render(const std::vector<Message>& messages,
                                 bool add_generation_prompt) const {
  JinjaList list;
  for (const Message& message : messages) {
    check_utf8(message.role, "a message's role");
    check_utf8(message.content, "a message's content");
    list.push_back(JinjaValue::dict({{"role", JinjaValue::string(message.role)},
                                     {"content", JinjaValue::string(message.content)}}));
  }
  JinjaDict variables;
  variables.emplace_back("messages", JinjaValue::list(std::move(list)));
  variables.emplace_back("tools", JinjaValue::none());
  variables.emplace_back("documents", JinjaValue::none());
  variables.emplace_back("add_generation_prompt",
                         JinjaValue::boolean(add_generation_prompt));
  return run(std::move(variables));
}

std::string ChatTemplate::render(const nlohmann::ordered_json& request) const {
  REQUIRE(request.is_object(), kBadInput,
          "a chat request is " << request.type_name() << " (expected an object)");
  const auto messages = request.find("messages");
  REQUIRE(messages != request.end() && messages->is_array(), kBadInput,
          "a chat request without a list \"messages\"");
  for (const auto& message : *messages) {
    REQUIRE(message.is_object(), kBadInput,
            "\"messages\" has " << message.type_name() << " (expected an object)");
  }
  JinjaDict variables;
  for (const auto& [key, value] : request.items())
    variables.emplace_back(key, jinja_value_of(value, "\"" + key + "\""));
  for (const char* name : {"tools", "documents"}) {
    if (!request.contains(name)) variables.emplace_back(name, JinjaValue::none());
  }
  if (!request.contains("add_generation_prompt"))
    variables.emplace_back("add_generation_prompt", JinjaValue::boolean(false));
  return run(std::move(variables));
}

}  // namespace srpo::text
