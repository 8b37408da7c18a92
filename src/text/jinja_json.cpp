#include "text/jinja_json.h"

#include <limits>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

using Json = nlohmann::ordered_json;

std::string checked_text(const std::string& text, const std::string& place) {
  const auto invalid = find_invalid_utf8(text);
  REQUIRE(!invalid, kBadInput, place << " is not UTF-8 at byte " << *invalid);
  return text;
}

JinjaValue convert(const Json& json, const std::string& place, int depth) {
  REQUIRE(depth <= JinjaValue::kMaxDepth, kBadInput,
          place << " is nested deeper than " << JinjaValue::kMaxDepth << " levels");
  switch (json.type()) {
    case Json::value_t::null:
      return JinjaValue::none();
    case Json::value_t::boolean:
      return JinjaValue::boolean(json.get<bool>());
    case Json::value_t::number_integer:
      return JinjaValue::integer(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      REQUIRE(json.get<uint64_t>() <= std::numeric_limits<int64_t>::max(), kBadInput,
              place << " is " << json.get<uint64_t>() << " (expected at most 2^63 - 1)");
      return JinjaValue::integer(json.get<int64_t>());
    case Json::value_t::number_float:
      return JinjaValue::number(json.get<double>());
    case Json::value_t::string:
      return JinjaValue::string(checked_text(json.get_ref<const std::string&>(), place));
    case Json::value_t::array: {
      JinjaList elements;
      elements.reserve(json.size());
      for (const Json& element : json)
        elements.push_back(convert(element, place, depth + 1));
      return JinjaValue::list(std::move(elements));
    }
    case Json::value_t::object: {
      JinjaDict entries;
      entries.reserve(json.size());
      for (const auto& [key, entry] : json.items()) {
        entries.emplace_back(checked_text(key, place), convert(entry, place, depth + 1));
      }
      return JinjaValue::dict(std::move(entries));
    }
    default:
      throw core::Error(core::ErrorKind::kBadInput,
                        place + " is " + json.type_name() + ", which no template reads");
  }
}

}  // namespace

JinjaValue jinja_value_of(const Json& json, const std::string& place) {
  return convert(json, place, 1);
}

}  // namespace srpo::text
