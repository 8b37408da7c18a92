// Byte-pair merges within one word.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace srpo::text {

/// The `model` part of a tokenizer file, in the letters of the file.
struct BpeModel {
  std::unordered_map<std::string, int32_t> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;  ///< most frequent first
  std::optional<std::string> unknown_token;  ///< for bytes that have no token
  bool fuse_unknown = false;                 ///< one for a run of such bytes
  bool ignore_merges = false;                ///< a word that is a token is that token
};

/// Thread-safe.
class BytePairEncoder {
 public:
  /// Throws kBadFile, naming `place`, for a merge of or into something that is no token.
  BytePairEncoder(const BpeModel& model, const std::string& place);

  /// Appends the tokens of a word (raw bytes). A byte that has no token is left out when
  /// there is no unknown token, as Hugging Face does.
  void encode(std::string_view word, std::vector<int32_t>& tokens) const;

 private:
  struct Merge {
    uint64_t pair = kNoPair;
    int32_t rank = 0;
    int32_t merged = 0;
  };
  static constexpr uint64_t kNoPair = ~uint64_t{0};

  static uint64_t key_of(int32_t left, int32_t right) {
    return (static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32) |
           static_cast<uint32_t>(right);
  }
  size_t bucket_of(uint64_t pair) const { return (pair * 0x9E3779B97F4A7C15u) >> shift_; }
  void add_merge(uint64_t pair, int32_t rank, int32_t merged);
  /// The merge of two neighbours, or null.
  const Merge* find_merge(int32_t left, int32_t right) const;

  void append_bytes(std::string_view word, std::vector<int32_t>& tokens) const;
  void merge_short(std::vector<int32_t>& tokens, size_t first) const;
  void merge_long(std::vector<int32_t>& tokens, size_t first) const;

  std::array<int32_t, 256> byte_tokens_{};  ///< -1: none
  std::optional<int32_t> unknown_token_;
  bool fuse_unknown_;
  struct BytesHash {
    using is_transparent = void;
    size_t operator()(std::string_view bytes) const {
      return std::hash<std::string_view>()(bytes);
    }
  };
  std::unordered_map<std::string, int32_t, BytesHash, std::equal_to<>>
      whole_words_;            ///< by bytes; filled when merges are ignored
  std::vector<Merge> merges_;  ///< open addressing, linear probing
  int shift_ = 64;
};

}  // namespace srpo::text
