#include "text/json_fields.h"

#include <functional>
#include <unordered_set>
#include <vector>

#include "core/error.h"

namespace srpo::text {

namespace {

constexpr int kMaxLevels = 64;

/// Refuses, while a text is being parsed, what nlohmann::json would let pass: one name
/// twice in an object, and nesting without end.
class StructureCheck {
 public:
  explicit StructureCheck(const std::string& place) : place_(place) {}

  bool operator()(int depth, nlohmann::json::parse_event_t event,
                  const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    REQUIRE(depth < kMaxLevels, kBadFile,
            place_ << ": nested deeper than " << kMaxLevels << " levels");
    if (event == Event::object_start) {
      names_.emplace_back();
    } else if (event == Event::object_end) {
      names_.pop_back();
    } else if (event == Event::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      REQUIRE(names_.back().insert(name).second, kBadFile,
              place_ << ": the key '" << name << "' stands twice in one object");
    }
    return true;
  }

 private:
  const std::string& place_;
  std::vector<std::unordered_set<std::string>> names_;  ///< of the objects that are open
};

}  // namespace

nlohmann::json parse_json(const std::string& text, const std::string& place) {
  try {
    StructureCheck check(place);
    return nlohmann::json::parse(text, std::ref(check));
  } catch (const nlohmann::json::exception& error) {
    throw core::Error(core::ErrorKind::kBadFile,
                      place + ": not JSON: " + std::string(error.what()));
  }
}

JsonFields::JsonFields(const nlohmann::json& object, std::string place)
    : object_(object), place_(std::move(place)) {
  REQUIRE(object_.is_object(), kBadFile,
          place_ << " is " << object_.type_name() << " (expected an object)");
}

const nlohmann::json* JsonFields::find(const std::string& key) {
  known_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

const nlohmann::json& JsonFields::at(const std::string& key, const char* expected) {
  const nlohmann::json* value = find(key);
  REQUIRE(value != nullptr, kBadFile,
          place_of(key) << " is missing (expected " << expected << ")");
  return *value;
}

std::string JsonFields::text(const std::string& key) {
  const nlohmann::json& value = at(key, "a string");
  REQUIRE(value.is_string(), kBadFile,
          place_of(key) << " is " << value.type_name() << " (expected a string)");
  return value.get<std::string>();
}

bool JsonFields::flag(const std::string& key, bool otherwise) {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return otherwise;
  REQUIRE(value->is_boolean(), kBadFile,
          place_of(key) << " is " << value->type_name() << " (expected true or false)");
  return value->get<bool>();
}

int64_t JsonFields::integer(const std::string& key, int64_t lowest, int64_t highest) {
  const nlohmann::json& value = at(key, "a whole number");
  const bool whole = value.is_number_integer() &&
                     !(value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX);
  REQUIRE(whole && value.get<int64_t>() >= lowest && value.get<int64_t>() <= highest,
          kBadFile,
          place_of(key) << " is " << value.dump() << " (expected a whole number from "
                        << lowest << " to " << highest << ")");
  return value.get<int64_t>();
}

std::optional<std::string> JsonFields::optional_text(const std::string& key) {
  const nlohmann::json* value = find(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return text(key);
}

const nlohmann::json& JsonFields::array(const std::string& key) {
  const nlohmann::json& value = at(key, "a list");
  REQUIRE(value.is_array(), kBadFile,
          place_of(key) << " is " << value.type_name() << " (expected a list)");
  return value;
}

const nlohmann::json& JsonFields::object(const std::string& key) {
  const nlohmann::json& value = at(key, "an object");
  REQUIRE(value.is_object(), kBadFile,
          place_of(key) << " is " << value.type_name() << " (expected an object)");
  return value;
}

void JsonFields::refuse_unknown() const {
  for (const auto& [key, value] : object_.items()) {
    REQUIRE(known_.count(key) > 0, kBadFile, place_of(key) << " is not supported");
  }
}

}  // namespace srpo::text
