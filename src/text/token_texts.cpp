#include "text/token_texts.h"

#include <cstring>
#include <limits>

#include "core/error.h"

namespace srpo::text {

void TokenTexts::add(std::string_view bytes, bool special) {
  const size_t begin = bytes_.size() - kSlack;
  REQUIRE(begin + bytes.size() <= std::numeric_limits<uint32_t>::max(), kBadFile,
          "a vocabulary of more than 4 GiB of text");
  places_.push_back(
      {static_cast<uint32_t>(begin), static_cast<uint32_t>(bytes.size()), special});
  bytes_.insert(begin, bytes);
}

std::string TokenTexts::join(std::span<const int32_t> ids, bool skip_special) const {
  const auto is_wanted = [&](int32_t id) {
    return static_cast<size_t>(static_cast<uint32_t>(id)) < places_.size() &&
           !(skip_special && places_[static_cast<size_t>(id)].special);
  };
  size_t total = 0;
  for (int32_t id : ids) {
    if (is_wanted(id)) total += places_[static_cast<size_t>(id)].length;
  }
  std::string text(total + kSlack, '\0');
  char* to = text.data();
  for (int32_t id : ids) {
    if (!is_wanted(id)) continue;
    const Place& place = places_[static_cast<size_t>(id)];
    const char* from = bytes_.data() + place.begin;
    // Nearly all tokens are short: a copy of fixed size needs no branch on the length.
    if (place.length <= kSlack) {
      std::memcpy(to, from, kSlack);
    } else {
      std::memcpy(to, from, place.length);
    }
    to += place.length;
  }
  text.resize(total);
  return text;
}

}  // namespace srpo::text
