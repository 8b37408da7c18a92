// Cuts text into words by the patterns of GPT-2, Llama-3, Qwen and OLMo without a regex
// engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/character_classes.h"

namespace srpo::text {

/// Finds what the regular expression of a tokenizer file finds, for the expressions that
/// nearly all byte-level tokenizers use. They match every character of a text, so the
/// words follow each other without a gap. Thread-safe.
class WordScanner {
 public:
  /// The scanner for a pattern (Oniguruma syntax); nothing when it is another pattern.
  static std::optional<WordScanner> for_pattern(const std::string& pattern);

  /// Where the word that begins at `begin` (< text.size(), at a character) of valid UTF-8
  /// ends.
  size_t end_of_word(std::string_view text, size_t begin) const {
    return family_ == Family::kGpt2 ? end_in_gpt2(text, begin)
                                    : end_in_gpt4(text, begin);
  }

  void split(std::string_view text, std::vector<std::string_view>& words) const;

 private:
  enum class Family : uint8_t { kGpt2, kGpt4 };
  WordScanner(Family family, size_t max_digits)
      : family_(family), max_digits_(max_digits), classes_(character_classes()) {}

  struct Character {
    CharacterClass kind;
    uint32_t length;  ///< bytes
  };
  Character character_at(std::string_view text, size_t position) const;
  size_t skip(std::string_view text, size_t position, CharacterClass kind) const;
  size_t end_in_gpt2(std::string_view text, size_t begin) const;
  size_t end_in_gpt4(std::string_view text, size_t begin) const;
  size_t end_of_numbers(std::string_view text, size_t begin) const;
  size_t end_of_space(std::string_view text, size_t begin, bool lines) const;

  Family family_;
  size_t max_digits_;  ///< of a number in kGpt4
  const CharacterClass* classes_;
};

}  // namespace srpo::text
