// Where Oniguruma and PCRE2 read a pattern differently, the pattern is rewritten or
// refused.
#include <cstring>

#include "core/error.h"
#include "text/regex.h"

namespace srpo::text {
namespace {

// PCRE2 counts U+180E as white space, Oniguruma does not.
constexpr const char* kSpaces =
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{"
    "202f}"
    "\\x{205f}\\x{3000}";

class Translation {
 public:
  Translation(const std::string& pattern, const std::string& place)
      : pattern_(pattern), place_(place) {}

  std::string run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
      } else if (in_class_) {
        class_character(c);
      } else {
        plain_character(c);
      }
    }
    refuse_unless(!in_class_, "a character class that does not end");
    return std::move(result_);
  }

 private:
  void refuse_unless(bool fine, const std::string& what) {
    REQUIRE(fine, kBadFile,
            place_ << ": pattern '" << pattern_ << "' uses " << what
                   << ", which is not supported");
  }

  void escape() {
    refuse_unless(at_ + 1 < pattern_.size(), "a backslash at its end");
    const char c = pattern_[at_ + 1];
    at_ += 2;
    if (c == 's') {
      result_ += in_class_ ? std::string(kSpaces) : "[" + std::string(kSpaces) + "]";
    } else if (c == 'S') {
      refuse_unless(!in_class_, "\\S in a character class");
      result_ += "[^" + std::string(kSpaces) + "]";
    } else {
      const bool letter =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      refuse_unless(!letter || std::strchr("dDnrtfaepP", c) != nullptr,
                    std::string("the escape \\") + c);
      result_ += '\\';
      result_ += c;
      if (c == 'p' || c == 'P') property_name();
    }
  }

  void property_name() {
    const size_t end = pattern_.find('}', at_);
    refuse_unless(pattern_.compare(at_, 1, "{") == 0 && end != std::string::npos,
                  "\\p without a name in braces");
    result_.append(pattern_, at_, end + 1 - at_);
    at_ = end + 1;
  }

  void class_character(char c) {
    refuse_unless(c != '[', "a '[' in a character class");
    refuse_unless(pattern_.compare(at_, 2, "&&") != 0, "'&&' in a character class");
    if (c == ']') in_class_ = false;
    result_ += c;
    ++at_;
  }

  void plain_character(char c) {
    if (c == '[') {
      in_class_ = true;
      const size_t first = pattern_.compare(at_ + 1, 1, "^") == 0 ? at_ + 2 : at_ + 1;
      refuse_unless(pattern_.compare(first, 1, "]") != 0,
                    "']' as the first of a character class");
      result_.append(pattern_, at_, first - at_);
      at_ = first;
      return;
    }
    if (c == '{') refuse_unless(pattern_.compare(at_, 2, "{,") != 0, "'{,'");
    if (c == '}') refuse_unless(pattern_.compare(at_, 2, "}+") != 0, "'}+'");
    if (c == '(' && pattern_.compare(at_, 2, "(?") == 0) check_group();
    // Ruby's ^ and $ stand at every line.
    if (c == '^' || c == '$') {
      result_ += std::string("(?m:") + c + ")";
    } else {
      result_ += c;
    }
    ++at_;
  }

  void check_group() {
    for (const char* known : {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"}) {
      if (pattern_.compare(at_, std::strlen(known), known) == 0) return;
    }
    // Further in, the two engines differ on how far (?i) reaches.
    if (at_ == 0 && pattern_.compare(0, 4, "(?i)") == 0) return;
    refuse_unless(false, "the group '" + pattern_.substr(at_, 4) + "'");
  }

  const std::string& pattern_;
  const std::string& place_;
  std::string result_;
  size_t at_ = 0;
  bool in_class_ = false;
};

}  // namespace

std::string translate_pattern(const std::string& pattern, const std::string& place) {
  return Translation(pattern, place).run();
}

}  // namespace srpo::text
