// Reads a JSON object field by field; what is missing, of another type, or never asked
// for is an error with its place.
#pragma once

#include <optional>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace srpo::text {

/// Throws kBadFile naming `place` when the text is not JSON, names a key twice in one
/// object, or nests deeper than 64 levels.
nlohmann::json parse_json(const std::string& text, const std::string& place);

/// Borrows the object. Every error is kBadFile and begins with the place. One thread
/// only.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string place);

  std::string text(const std::string& key);
  bool flag(const std::string& key, bool otherwise);
  int64_t integer(const std::string& key, int64_t lowest, int64_t highest);
  /// Null and absent are nothing.
  std::optional<std::string> optional_text(const std::string& key);
  /// The value under a key, or null when it is absent.
  const nlohmann::json* find(const std::string& key);
  const nlohmann::json& array(const std::string& key);
  const nlohmann::json& object(const std::string& key);

  /// Marks a key as known and of no effect.
  void ignore(const std::string& key) { known_.insert(key); }
  /// Throws for the first field that no call has named.
  void refuse_unknown() const;

  /// `model.json: a.b` for key b of place `model.json: a`.
  std::string place_of(const std::string& key) const {
    return place_ + (place_.ends_with(':') ? " " : ".") + key;
  }
  const std::string& place() const { return place_; }

 private:
  const nlohmann::json& at(const std::string& key, const char* expected);

  const nlohmann::json& object_;
  std::string place_;
  std::set<std::string> known_;
};

}  // namespace srpo::text
