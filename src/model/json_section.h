// JSON files of a model folder, read with complaints that name file, key, what was found
// and what was expected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace srpo::model {

/// A JSON object from `text`. Throws kBadFile naming `file` for what is no JSON, is no
/// object, nests more than `most_depth` deep, or names one key twice in an object.
nlohmann::json parse_json_object(std::string_view text, const std::string& file,
                                 int most_depth = 16);

/// One object of a JSON file. Borrows the JSON. Every member throws kBadFile as
/// `file: 'key' is X (expected Y)`; a null counts as absent.
class JsonSection {
 public:
  JsonSection(const nlohmann::json& json, std::string file)
      : json_(json), file_(std::move(file)) {}

  bool has(const char* key) const;
  /// A whole number from 1 to `most`.
  int64_t size(const char* key, int64_t most) const;
  int64_t size_or(const char* key, int64_t most, int64_t otherwise) const;
  double positive(const char* key) const;
  double positive_or(const char* key, double otherwise) const;
  bool flag_or(const char* key, bool otherwise) const;
  std::string text_or(const char* key, const std::string& otherwise) const;
  JsonSection inner(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  /// A token id, a list of them, or nothing.
  std::vector<int32_t> token_ids(const char* key, int64_t vocab_size) const;

  /// A value as text, shortened.
  std::string shown(const char* key) const;
  const nlohmann::json& json() const { return json_; }
  const std::string& file() const { return file_; }

 private:
  const nlohmann::json& json_;
  std::string file_;
};

}  // namespace srpo::model
