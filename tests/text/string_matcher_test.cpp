#include "text/string_matcher.h"

#include <random>

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::text {
namespace {

/// Ends of all matches when `text` is fed in pieces of random length.
std::vector<size_t> ends_of(StringMatcher& matcher, const std::string& text,
                            std::mt19937& random) {
  std::vector<size_t> ends;
  for (size_t begin = 0; begin < text.size();) {
    const size_t length = std::min<size_t>(1 + random() % 5, text.size() - begin);
    std::string_view piece = std::string_view(text).substr(begin, length);
    begin += length;
    while (const auto used = matcher.feed(piece)) {
      piece.remove_prefix(*used);
      ends.push_back(begin - piece.size());
    }
  }
  return ends;
}

TEST(StringMatcher, FindsEveryMatchHoweverTheBytesArrive) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string pattern;
    std::string text;
    for (size_t i = 0; i < 1 + random() % 5; ++i)
      pattern += static_cast<char>('a' + random() % 2);
    for (size_t i = 0; i < random() % 40; ++i)
      text += static_cast<char>('a' + random() % 2);
    std::vector<size_t> expected;
    for (size_t at = 0; (at = text.find(pattern, at)) != std::string::npos; ++at) {
      expected.push_back(at + pattern.size());
    }
    StringMatcher matcher(pattern);
    EXPECT_EQ(ends_of(matcher, text, random), expected) << pattern << " in " << text;
  }
}

TEST(StringMatcher, FindsADelimiterThatTokensCut) {
  StringMatcher matcher("</thought>");
  EXPECT_FALSE(matcher.feed("so 1 < 2 <").has_value());
  EXPECT_FALSE(matcher.feed("/though").has_value());
  EXPECT_EQ(matcher.feed("t>\n\n"), 2u);
}

TEST(StringMatcher, ForgetsOnReset) {
  StringMatcher matcher("ab");
  EXPECT_FALSE(matcher.feed("a").has_value());
  matcher.reset();
  EXPECT_FALSE(matcher.feed("b").has_value());
}

TEST(StringMatcher, RefusesTheEmptyString) {
  EXPECT_THROW(StringMatcher(""), core::Error);
}

}  // namespace
}  // namespace srpo::text
