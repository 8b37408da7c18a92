#include "text/unicode.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>

#include "core/error.h"
#include "text/unicode_additions.h"

namespace srpo::text {
namespace {

uint8_t byte_at(std::string_view bytes, size_t position) {
  return static_cast<uint8_t>(bytes[position]);
}

/// What a lead byte asks for: how many bytes, and which second bytes are allowed. length
/// 0: not a lead byte.
struct Lead {
  size_t length;
  uint8_t lowest_second;
  uint8_t highest_second;
};

Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

/// How many bytes at `position` belong together, and whether they are a whole character.
struct Piece {
  size_t length;
  bool whole;
};

Piece piece_at(std::string_view bytes, size_t position) {
  const Lead lead = lead_of(byte_at(bytes, position));
  if (lead.length == 0) return {1, false};
  size_t length = 1;
  while (length < lead.length && position + length < bytes.size()) {
    const uint8_t next = byte_at(bytes, position + length);
    const uint8_t lowest = length == 1 ? lead.lowest_second : 0x80;
    const uint8_t highest = length == 1 ? lead.highest_second : 0xBF;
    if (next < lowest || next > highest) break;
    ++length;
  }
  return {length, length == lead.length};
}

/// End of the run of bytes below 0x80 that starts at `position`.
size_t skip_ascii(std::string_view bytes, size_t position) {
  while (position + 8 <= bytes.size()) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes.data() + position, sizeof eight);
    if ((eight & 0x8080808080808080u) != 0) break;
    position += 8;
  }
  while (position < bytes.size() && byte_at(bytes, position) < 0x80) ++position;
  return position;
}

const CategoryRange* find_addition(char32_t character) {
  const auto* range = std::lower_bound(
      std::begin(kCategoryAdditions), std::end(kCategoryAdditions), character,
      [](const CategoryRange& a, char32_t c) { return a.last < c; });
  if (range == std::end(kCategoryAdditions) || character < range->first) return nullptr;
  return range;
}

/// A character of Unicode 14 of the category that takes 3 (below U+10000) or 4 bytes in
/// UTF-8.
char32_t stand_in(Category category, bool four_bytes) {
  switch (category) {
    case Category::kCf:
      return four_bytes ? 0xE0001 : 0x200B;
    case Category::kLl:
      return four_bytes ? 0x1D41A : 0x1E01;
    case Category::kLm:
      return four_bytes ? 0x16F93 : 0x1D2C;
    case Category::kLo:
      return four_bytes ? 0x20000 : 0x4E00;
    case Category::kLu:
      return four_bytes ? 0x1D400 : 0x1E00;
    case Category::kMc:
      return four_bytes ? 0x11000 : 0x0903;
    case Category::kMn:
      return four_bytes ? 0x1D167 : 0x0900;
    case Category::kNd:
      return four_bytes ? 0x1D7CE : 0x0966;
    case Category::kNo:
      return four_bytes ? 0x10107 : 0x2460;
    case Category::kPd:
      return four_bytes ? 0x10EAD : 0x2010;
    case Category::kPo:
      return four_bytes ? 0x10100 : 0x2022;
    case Category::kSm:
      return four_bytes ? 0x1D6C1 : 0x2200;
    case Category::kSo:
      return four_bytes ? 0x1F600 : 0x2600;
  }
  ENSURE(false, "a category without a stand-in");
}

/// The characters of Unicode 9, which the composition of `tokenizers` knows.
const icu::UnicodeSet& composed_characters() {
  UErrorCode status = U_ZERO_ERROR;
  static const icu::UnicodeSet characters(icu::UnicodeString("[:Age=9.0:]"), status);
  ENSURE(U_SUCCESS(status), "ICU knows no [:Age=9.0:]: " << u_errorName(status));
  return characters;
}

const icu::Normalizer2& composer() {
  UErrorCode status = U_ZERO_ERROR;
  static const icu::FilteredNormalizer2 filtered(
      *icu::Normalizer2::getNFCInstance(status), composed_characters());
  ENSURE(U_SUCCESS(status), "ICU gives no NFC: " << u_errorName(status));
  return filtered;
}

}  // namespace

std::optional<size_t> find_invalid_utf8(std::string_view bytes) {
  size_t position = skip_ascii(bytes, 0);
  while (position < bytes.size()) {
    const Piece piece = piece_at(bytes, position);
    if (!piece.whole) return position;
    position = skip_ascii(bytes, position + piece.length);
  }
  return std::nullopt;
}

std::string repair_utf8(std::string_view bytes) {
  std::string repaired;
  repaired.reserve(bytes.size());
  for (size_t position = 0; position < bytes.size();) {
    const Piece piece = piece_at(bytes, position);
    repaired += piece.whole ? bytes.substr(position, piece.length) : "\xEF\xBF\xBD";
    position += piece.length;
  }
  return repaired;
}

size_t unfinished_length(std::string_view bytes) {
  for (size_t length = 1; length <= 3 && length <= bytes.size(); ++length) {
    const size_t begin = bytes.size() - length;
    if ((byte_at(bytes, begin) & 0xC0) == 0x80) continue;
    const Piece piece = piece_at(bytes, begin);
    const bool goes_on = !piece.whole && piece.length == length &&
                         lead_of(byte_at(bytes, begin)).length > 0;
    return goes_on ? length : 0;
  }
  return 0;
}

char32_t next_character(std::string_view text, size_t& position) {
  const uint8_t first = byte_at(text, position++);
  if (first < 0x80) return first;
  const int following = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  char32_t character = first & (0x3F >> following);
  for (int i = 0; i < following; ++i) {
    character = (character << 6) | (byte_at(text, position++) & 0x3F);
  }
  return character;
}

void append_utf8(std::string& text, char32_t character) {
  const auto tail = [&](int shift) {
    text += static_cast<char>(0x80 | ((character >> shift) & 0x3F));
  };
  if (character < 0x80) {
    text += static_cast<char>(character);
  } else if (character < 0x800) {
    text += static_cast<char>(0xC0 | (character >> 6));
    tail(0);
  } else if (character < 0x10000) {
    text += static_cast<char>(0xE0 | (character >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0 | (character >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_white_space(char32_t character) {
  return (character >= 0x09 && character <= 0x0D) || character == 0x20 ||
         character == 0x85 || character == 0xA0 || character == 0x1680 ||
         (character >= 0x2000 && character <= 0x200A) || character == 0x2028 ||
         character == 0x2029 || character == 0x202F || character == 0x205F ||
         character == 0x3000;
}

bool is_numeric(char32_t character) {
  if (character < 0x80) return character >= '0' && character <= '9';
  const uint32_t mask = U_GET_GC_MASK(static_cast<UChar32>(character));
  if ((mask & (U_GC_ND_MASK | U_GC_NL_MASK | U_GC_NO_MASK)) != 0) return true;
  if (const CategoryRange* range = find_addition(character)) {
    return range->category == Category::kNd || range->category == Category::kNo;
  }
  return std::any_of(std::begin(kLaterNumbers), std::end(kLaterNumbers),
                     [&](const CodePointRange& range) {
                       return character >= range.first && character <= range.last;
                     });
}

std::string compose(std::string_view text) {
  // Everything below U+0300 is composed already.
  const bool composed = std::none_of(
      text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) >= 0xCC; });
  if (composed) return std::string(text);
  std::string result;
  icu::StringByteSink<std::string> sink(&result);
  UErrorCode status = U_ZERO_ERROR;
  composer().normalizeUTF8(
      0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, nullptr,
      status);
  ENSURE(U_SUCCESS(status), "ICU cannot compose: " << u_errorName(status));
  return result;
}

bool has_category_additions(std::string_view text) {
  // The first of them is U+0897, whose first byte is 0xE0.
  for (size_t position = skip_ascii(text, 0); position < text.size();) {
    const uint8_t first = byte_at(text, position);
    const char32_t character = next_character(text, position);
    if (first >= 0xE0 && find_addition(character) != nullptr) return true;
    if (first < 0x80) position = skip_ascii(text, position);
  }
  return false;
}

void replace_category_additions(std::string& text) {
  std::string replaced;
  replaced.reserve(text.size());
  for (size_t position = 0; position < text.size();) {
    const char32_t character = next_character(text, position);
    const CategoryRange* range = character < 0x80 ? nullptr : find_addition(character);
    append_utf8(replaced, range == nullptr
                              ? character
                              : stand_in(range->category, character >= 0x10000));
  }
  text = std::move(replaced);
}

}  // namespace srpo::text
