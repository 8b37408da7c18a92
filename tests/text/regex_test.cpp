#include "text/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::text {
namespace {

TEST(Regex, FindsTheFirstMatchFromAPlaceOn) {
  const Regex regex("\\p{L}+", Regex::Syntax::kOniguruma, "test");
  RegexMemory memory;
  size_t begin = 0;
  size_t end = 0;
  ASSERT_TRUE(regex.find("1é2ab", 0, memory, begin, end));
  EXPECT_EQ(begin, 1u);
  EXPECT_EQ(end, 3u);
  ASSERT_TRUE(regex.find("1é2ab", end, memory, begin, end));
  EXPECT_EQ(begin, 4u);
  EXPECT_FALSE(regex.find("1é2ab", 6, memory, begin, end));
}

TEST(Regex, TakesALiteralAsItStands) {
  const Regex regex("a.*", Regex::Syntax::kLiteral, "test");
  RegexMemory memory;
  size_t begin = 0;
  size_t end = 0;
  EXPECT_FALSE(regex.find("abc", 0, memory, begin, end));
  EXPECT_TRUE(regex.find("xa.*", 0, memory, begin, end));
}

TEST(Regex, RefusesByNameWhatTheEnginesReadDifferently) {
  for (const char* pattern :
       {"\\w+", "\\h", "[a[b]]", "[a&&b]", "a{,3}", "a{1,3}+", "a(?i)b", "(?<name>x)",
        "[^]]", "\\b", "[\\S]", "a\\", "[a", "\\pL", "(a"}) {
    try {
      Regex(pattern, Regex::Syntax::kOniguruma, "file.json: pattern");
      FAIL() << pattern;
    } catch (const core::Error& error) {
      EXPECT_EQ(error.kind(), core::ErrorKind::kBadFile);
      EXPECT_THAT(error.what(), testing::HasSubstr("file.json: pattern"));
      EXPECT_THAT(error.what(), testing::HasSubstr(pattern));
    }
  }
}

TEST(Regex, DoesNotCountTheMongolianVowelSeparatorAsSpace) {
  const Regex regex("\\s", Regex::Syntax::kOniguruma, "test");
  RegexMemory memory;
  size_t begin = 0;
  size_t end = 0;
  EXPECT_FALSE(regex.find("\u180e", 0, memory, begin, end));
  EXPECT_TRUE(regex.find("\u0085", 0, memory, begin, end));
}

}  // namespace
}  // namespace srpo::text
