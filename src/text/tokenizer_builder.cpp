#include "text/tokenizer_builder.h"

#include <set>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "text/byte_alphabet.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

using nlohmann::json;

json byte_level(bool add_prefix_space) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", false}};
}

json make_model() {
  json vocabulary = json::object();
  for (int byte = 0; byte < 256; ++byte) {
    const char single = static_cast<char>(byte);
    vocabulary[letters_of_bytes(std::string_view(&single, 1))] = byte;
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", vocabulary},
          {"merges", json::array()}};
}

void check_token(const std::string& token) {
  REQUIRE(token.size() > 1 && !find_invalid_utf8(token), kBadInput,
          "added token '" << token << "' (expected at least two bytes of UTF-8)");
  // The decoder would take these letters for the bytes they stand for.
  REQUIRE(
      bytes_of_letters(token).value_or(token) == token, kBadInput,
      "added token '" << token << "' is made of byte-level letters and would not decode");
}

}  // namespace

std::string make_character_tokenizer(const std::vector<std::string>& added_tokens,
                                     const std::vector<std::string>& special_tokens) {
  json added = json::array();
  std::set<std::string> seen;
  const auto add = [&](const std::string& token, bool special) {
    check_token(token);
    REQUIRE(seen.insert(token).second, kBadInput,
            "added token '" << token << "' is given twice");
    added.push_back({{"id", 256 + added.size()},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", special}});
  };
  for (const std::string& token : added_tokens) add(token, false);
  for (const std::string& token : special_tokens) add(token, true);
  const json file = {{"version", "1.0"},          {"truncation", nullptr},
                     {"padding", nullptr},        {"added_tokens", added},
                     {"normalizer", nullptr},     {"pre_tokenizer", byte_level(false)},
                     {"post_processor", nullptr}, {"decoder", byte_level(true)},
                     {"model", make_model()}};
  return file.dump(1) + "\n";
}

}  // namespace srpo::text
