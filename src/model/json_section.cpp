#include "model/json_section.h"

#include <cmath>
#include <unordered_set>
#include <utility>

#include "core/error.h"

namespace srpo::model {
namespace {

using Json = nlohmann::json;

std::string short_text(const Json& value) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

}  // namespace

Json parse_json_object(std::string_view text, const std::string& file, int most_depth) {
  std::vector<std::unordered_set<std::string>> names;  // of the objects that are open
  std::string twice;
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key &&
        !names.back().insert(parsed.get<std::string>()).second && twice.empty())
      twice = parsed.get<std::string>();
    too_deep = too_deep || depth > most_depth;
    return !too_deep;
  };
  Json json = Json::parse(text, watch, false);
  REQUIRE(!too_deep, kBadFile, file << ": nested more than " << most_depth << " deep");
  REQUIRE(json.is_object(), kBadFile, file << ": not a JSON object");
  REQUIRE(twice.empty(), kBadFile,
          file << ": " << short_text(twice) << " stands twice in one object");
  return json;
}

bool JsonSection::has(const char* key) const {
  return json_.contains(key) && !json_[key].is_null();
}

std::string JsonSection::shown(const char* key) const { return short_text(json_[key]); }

int64_t JsonSection::size(const char* key, int64_t most) const {
  REQUIRE(has(key), kBadFile, file_ << ": no key '" << key << "'");
  const Json& value = json_[key];
  const bool fits = value.is_number_unsigned() && value.get<uint64_t>() >= 1 &&
                    value.get<uint64_t>() <= static_cast<uint64_t>(most);
  REQUIRE(fits, kBadFile,
          file_ << ": '" << key << "' is " << shown(key) << " (expected 1 to " << most
                << ")");
  return value.get<int64_t>();
}

int64_t JsonSection::size_or(const char* key, int64_t most, int64_t otherwise) const {
  return has(key) ? size(key, most) : otherwise;
}

double JsonSection::positive(const char* key) const {
  REQUIRE(has(key), kBadFile, file_ << ": no key '" << key << "'");
  const Json& value = json_[key];
  REQUIRE(
      value.is_number() && value.get<double>() > 0 && std::isfinite(value.get<double>()),
      kBadFile,
      file_ << ": '" << key << "' is " << shown(key) << " (expected a positive number)");
  return value.get<double>();
}

double JsonSection::positive_or(const char* key, double otherwise) const {
  return has(key) ? positive(key) : otherwise;
}

bool JsonSection::flag_or(const char* key, bool otherwise) const {
  if (!has(key)) return otherwise;
  REQUIRE(json_[key].is_boolean(), kBadFile,
          file_ << ": '" << key << "' is " << shown(key) << " (expected true or false)");
  return json_[key].get<bool>();
}

std::string JsonSection::text_or(const char* key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  REQUIRE(json_[key].is_string(), kBadFile,
          file_ << ": '" << key << "' is " << shown(key) << " (expected a string)");
  return json_[key].get<std::string>();
}

JsonSection JsonSection::inner(const char* key) const {
  REQUIRE(has(key) && json_[key].is_object(), kBadFile,
          file_ << ": '" << key << "' is " << (has(key) ? shown(key) : "absent")
                << " (expected an object)");
  return JsonSection(json_[key], file_ + ": " + key);
}

std::vector<std::string> JsonSection::texts(const char* key) const {
  std::vector<std::string> texts;
  REQUIRE(has(key) && json_[key].is_array(), kBadFile,
          file_ << ": '" << key << "' is " << (has(key) ? shown(key) : "absent")
                << " (expected a list)");
  for (const Json& value : json_[key]) {
    REQUIRE(
        value.is_string(), kBadFile,
        file_ << ": '" << key << "' has " << short_text(value) << " (expected strings)");
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

std::vector<int32_t> JsonSection::token_ids(const char* key, int64_t vocab_size) const {
  std::vector<int32_t> ids;
  if (!has(key)) return ids;
  const Json list = json_[key].is_array() ? json_[key] : Json::array({json_[key]});
  for (const Json& id : list) {
    REQUIRE(
        id.is_number_unsigned() && id.get<uint64_t>() < static_cast<uint64_t>(vocab_size),
        kBadFile,
        file_ << ": '" << key << "' has " << short_text(id) << " (expected 0 to "
              << vocab_size - 1 << ")");
    ids.push_back(static_cast<int32_t>(id.get<int64_t>()));
  }
  return ids;
}

}  // namespace srpo::model
