// The bytes of all tokens, side by side, so that decoding is one copy.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace srpo::text {

/// Filled once, in the order of the ids; then thread-safe.
class TokenTexts {
 public:
  /// The text of the next id. Throws kBadFile when all texts together pass 4 GiB.
  void add(std::string_view bytes, bool special);

  /// The texts of the ids, one behind the other; an id without a text adds nothing.
  std::string join(std::span<const int32_t> ids, bool skip_special) const;

 private:
  struct Place {
    uint32_t begin = 0;
    uint32_t length = 0;
    bool special = false;
  };
  std::vector<Place> places_;
  std::string bytes_ = std::string(kSlack, '\0');  ///< kSlack more than the texts
  static constexpr size_t kSlack = 16;             ///< bytes that a copy may read beyond
};

}  // namespace srpo::text
