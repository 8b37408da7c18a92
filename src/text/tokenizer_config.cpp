#include "text/tokenizer_config.h"

#include "core/error.h"
#include "core/files.h"
#include "text/json_fields.h"

namespace srpo::text {
namespace {

/// A token is written as a string or as {"content": string, ...}.
std::optional<std::string> read_token(JsonFields& fields, const std::string& key) {
  const nlohmann::json* value = fields.find(key);
  if (value == nullptr || !value->is_object()) return fields.optional_text(key);
  return JsonFields(*value, fields.place_of(key)).text("content");
}

/// A template is a string, or a list of named ones of which "default" is taken.
std::optional<std::string> read_template(JsonFields& fields) {
  const nlohmann::json* value = fields.find("chat_template");
  if (value == nullptr || !value->is_array())
    return fields.optional_text("chat_template");
  for (const nlohmann::json& entry : *value) {
    JsonFields named(entry, fields.place_of("chat_template"));
    if (named.text("name") == "default") return named.text("template");
  }
  throw core::Error(core::ErrorKind::kBadFile, fields.place_of("chat_template") +
                                                   " has no template named 'default'");
}

}  // namespace

TokenizerConfig TokenizerConfig::load_beside(const std::filesystem::path& file) {
  const auto path = file.parent_path() / "tokenizer_config.json";
  TokenizerConfig config;
  if (!std::filesystem::exists(path)) return config;
  const nlohmann::json whole = parse_json(core::read_file(path), path.string());
  JsonFields fields(whole, path.string() + ":");
  config.bos_token = read_token(fields, "bos_token");
  config.eos_token = read_token(fields, "eos_token");
  config.pad_token = read_token(fields, "pad_token");
  config.unk_token = read_token(fields, "unk_token");
  config.chat_template = read_template(fields);
  return config;
}

}  // namespace srpo::text
