// Tokens that are found in text before anything else: special ones and user-made ones.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace srpo::text {

struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;  ///< looked for in the normalised text
  bool lstrip = false;      ///< takes the white space before it
  bool rstrip = false;      ///< takes the white space behind it
};

/// A part of a text: either one added token, or text between them.
struct TextPart {
  const AddedToken* token = nullptr;  ///< null: plain text
  std::string_view text;
};

/// Finds the leftmost, then longest token. Thread-safe.
class AddedTokenMatcher {
 public:
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  /// The parts of `text`, in order, none empty. They point into this object and `text`.
  std::vector<TextPart> split(std::string_view text) const;

  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* find_at(std::string_view text, size_t position) const;

  std::vector<AddedToken> tokens_;                        ///< longest first
  std::array<std::vector<uint32_t>, 256> by_first_byte_;  ///< indices of tokens_
  std::array<bool, 256> begins_{};                        ///< whether one does so
};

}  // namespace srpo::text
