// Text to token ids and back: byte-level BPE from a Hugging Face tokenizer.json, equal to
// Hugging Face's id by id.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace srpo::text {

/// Copies share one vocabulary, which never changes. Thread-safe.
class Tokenizer {
 public:
  /// From a tokenizer.json or the folder that holds it. Throws kBadFile naming what is
  /// wrong or not supported. tokenizer_config.json beside it, if there, names the bos,
  /// eos and pad tokens.
  static Tokenizer load(const std::filesystem::path& file_or_folder);
  /// The same from the content of a tokenizer.json; `place` stands for the file in
  /// messages.
  static Tokenizer parse(const std::string& content, const std::string& place);

  /// Throws kBadInput when the text is not UTF-8. `add_special_tokens` puts those of the
  /// file's post-processor around it.
  std::vector<int32_t> encode(std::string_view text,
                              bool add_special_tokens = true) const;

  /// The text of tokens, always UTF-8: broken characters become U+FFFD. An id without a
  /// token stands for nothing.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const;

  /// The bytes that one token adds to a text, maybe a part of a character; "" for an id
  /// without a token.
  const std::string& token_bytes(int32_t id) const;

  /// One more than the highest id.
  int32_t vocab_size() const;

  /// The id of a token as the file writes it ("Ġthe", "</thought>").
  std::optional<int32_t> token_id(std::string_view token) const;

  /// Whether the file marks the token as special.
  bool is_special(int32_t id) const;
  /// All special ids, ascending.
  const std::vector<int32_t>& special_ids() const;

  std::optional<int32_t> bos_id() const;
  std::optional<int32_t> eos_id() const;
  std::optional<int32_t> pad_id() const;

 private:
  struct Contents;
  explicit Tokenizer(std::shared_ptr<const Contents> contents)
      : contents_(std::move(contents)) {}

  std::shared_ptr<const Contents> contents_;  // shared by the copies of this tokenizer
};

}  // namespace srpo::text
