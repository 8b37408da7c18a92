// Remembers the tokens of short words, in a table of fixed size.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace srpo::text {

/// Direct-mapped: a new word takes the place of an old one. 2 MiB. One thread at a time.
class WordCache {
 public:
  static constexpr size_t kMaxWordBytes = 23;
  static constexpr size_t kMaxTokens = 9;

  WordCache() : slots_(kNumSlots) {}

  struct Slot {
    uint8_t length = 0;  ///< 0: empty
    char word[kMaxWordBytes] = {};
    uint32_t num_tokens = 0;
    int32_t tokens[kMaxTokens] = {};
  };
  static_assert(sizeof(Slot) == 64);

  /// Where the word is or would be; the word has 1 .. kMaxWordBytes bytes.
  Slot& slot_of(std::string_view word) { return slots_[hash(word) >> (64 - kSlotBits)]; }

  static bool holds(const Slot& slot, std::string_view word) {
    return slot.length == word.size() &&
           std::memcmp(slot.word, word.data(), word.size()) == 0;
  }

  static void store(Slot& slot, std::string_view word, std::span<const int32_t> tokens) {
    if (tokens.size() > kMaxTokens) return;
    slot.length = static_cast<uint8_t>(word.size());
    std::memcpy(slot.word, word.data(), word.size());
    slot.num_tokens = static_cast<uint32_t>(tokens.size());
    std::memcpy(slot.tokens, tokens.data(), tokens.size_bytes());
  }

 private:
  static constexpr int kSlotBits = 15;
  static constexpr size_t kNumSlots = size_t{1} << kSlotBits;

  static uint64_t load(const char* from, size_t size) {
    uint64_t value = 0;
    std::memcpy(&value, from, size);
    return value;
  }
  static uint64_t hash(std::string_view word) {
    uint64_t state = word.size() * 0x9E3779B97F4A7C15u;
    size_t at = 0;
    for (; at + 8 <= word.size(); at += 8) {
      state = (state ^ load(word.data() + at, 8)) * 0xD6E8FEB86659FD93u;
      state ^= state >> 32;
    }
    if (at < word.size()) state ^= load(word.data() + at, word.size() - at);
    state *= 0xD6E8FEB86659FD93u;
    state ^= state >> 32;
    return state * 0x9E3779B97F4A7C15u;
  }

  std::vector<Slot> slots_;
};

}  // namespace srpo::text
