#include "engine/byte_matcher.h"

#include <gtest/gtest.h>

namespace srpo::engine {
namespace {

TEST(ByteMatcher, FindsAStringAcrossPieces) {
  ByteMatcher matcher("</thought>");
  EXPECT_FALSE(matcher.feed("a </tho"));
  EXPECT_FALSE(matcher.feed("ught"));
  EXPECT_TRUE(matcher.feed(">\n\n"));
}

TEST(ByteMatcher, FallsBackToTheLongestBorder) {
  ByteMatcher matcher("<<//<<x");
  EXPECT_FALSE(matcher.feed("<<//<<//"));
  EXPECT_TRUE(matcher.feed("<<x"));
  ByteMatcher doubled("aab");
  EXPECT_TRUE(doubled.feed("aaaab"));
}

TEST(ByteMatcher, AgreesWithASearchOfTheWholeText) {
  for (uint32_t seed = 1; seed < 400; ++seed) {
    uint32_t state = seed * 2654435761U;
    const auto next = [&] { return (state = state * 1664525U + 1013904223U) >> 24; };
    std::string pattern;
    for (uint32_t i = 0; i < 1 + next() % 5; ++i)
      pattern += static_cast<char>('a' + next() % 2);
    ByteMatcher matcher(pattern);
    std::string text;
    for (int i = 0; i < 30; ++i) {
      std::string piece;
      for (uint32_t j = 0; j < next() % 4; ++j)
        piece += static_cast<char>('a' + next() % 2);
      const size_t from = text.size();
      text += piece;
      bool expected = false;
      for (size_t end = from + 1; end <= text.size(); ++end) {
        expected = expected ||
                   (end >= pattern.size() &&
                    text.compare(end - pattern.size(), pattern.size(), pattern) == 0);
      }
      EXPECT_EQ(matcher.feed(piece), expected) << pattern << " in " << text;
    }
  }
}

TEST(ByteMatcher, NeverFindsTheEmptyStringAndForgetsOnReset) {
  ByteMatcher nothing("");
  EXPECT_FALSE(nothing.feed("abc"));
  ByteMatcher matcher("ab");
  EXPECT_FALSE(matcher.feed("a"));
  matcher.reset();
  EXPECT_FALSE(matcher.feed("b"));
}

}  // namespace
}  // namespace srpo::engine
