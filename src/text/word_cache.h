// Remembers the tokens of short words, in a table of fixed size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace srpo::text {

/// Direct-mapped: a new word takes the place of an old one. 2 MiB. One thread at a time.
class WordCache {
 public:
  static constexpr size_t kMaxWordBytes = 24;
  static constexpr size_t kMaxTokens = 9;

  WordCache() : slots_(kNumSlots) {}

  /// A word as numbers: of words of equal length, no two have equal numbers.
  struct Key {
    uint64_t first = 0;
    uint64_t middle = 0;
    uint64_t last = 0;
    uint32_t length = 0;

    bool operator==(const Key&) const = default;
  };
  /// The word has 1 .. kMaxWordBytes bytes.
  static Key key_of(std::string_view word) {
    const char* begin = word.data();
    const size_t size = word.size();
    Key key;
    key.length = static_cast<uint32_t>(size);
    if (size >= 8) {
      key.first = load<uint64_t>(begin);
      key.last = load<uint64_t>(begin + size - 8);
      if (size > 16) key.middle = load<uint64_t>(begin + 8);
    } else if (size >= 4) {
      key.first = load<uint32_t>(begin);
      key.last = load<uint32_t>(begin + size - 4);
    } else {
      key.first = static_cast<uint8_t>(begin[0]);
      key.middle = static_cast<uint8_t>(begin[size / 2]);
      key.last = static_cast<uint8_t>(begin[size - 1]);
    }
    return key;
  }

  struct Slot {
    uint64_t first = 0;
    uint64_t middle = 0;
    uint64_t last = 0;
    uint16_t length = 0;  ///< 0: empty
    uint16_t num_tokens = 0;
    int32_t tokens[kMaxTokens] = {};
  };
  static_assert(sizeof(Slot) == 64);

  /// Where the word is or would be.
  Slot& slot_of(const Key& key) { return slots_[hash(key) >> (64 - kSlotBits)]; }

  static bool holds(const Slot& slot, const Key& key) {
    return slot.first == key.first && slot.last == key.last &&
           slot.length == key.length && slot.middle == key.middle;
  }

  static void store(Slot& slot, const Key& key, std::span<const int32_t> tokens) {
    if (tokens.size() > kMaxTokens) return;
    slot.first = key.first;
    slot.middle = key.middle;
    slot.last = key.last;
    slot.length = static_cast<uint16_t>(key.length);
    slot.num_tokens = static_cast<uint16_t>(tokens.size());
    std::copy(tokens.begin(), tokens.end(), slot.tokens);
  }

 private:
  static constexpr int kSlotBits = 15;
  static constexpr size_t kNumSlots = size_t{1} << kSlotBits;

  template <class T>
  static T load(const char* from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  static uint64_t hash(const Key& key) {
    const uint64_t mixed =
        (key.first ^ (key.length * 0x9E3779B97F4A7C15u)) * 0xD6E8FEB86659FD93u +
        key.last * 0xA24BAED4963EE407u + key.middle * 0x9FB21C651E98DF25u;
    return (mixed ^ (mixed >> 32)) * 0x9E3779B97F4A7C15u;
  }

  std::vector<Slot> slots_;
};

}  // namespace srpo::text
