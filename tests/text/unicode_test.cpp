#include "text/unicode.h"

#include <gtest/gtest.h>

#include "text/unicode_additions.h"

namespace srpo::text {
namespace {

TEST(Unicode, FindsTheFirstByteThatIsNotUtf8) {
  EXPECT_FALSE(find_invalid_utf8("plain é \u4e00 \U0001F600").has_value());
  EXPECT_EQ(find_invalid_utf8("12345678\xC0\x80"), 8u);
  EXPECT_EQ(find_invalid_utf8("\xED\xA0\x80"), 0u);       // a surrogate
  EXPECT_EQ(find_invalid_utf8("a\xF4\x90\x80\x80"), 1u);  // above U+10FFFF
  EXPECT_EQ(find_invalid_utf8("a\xE4\xB8"), 1u);
}

TEST(Unicode, RepairsAsTheStandardRecommends) {
  EXPECT_EQ(repair_utf8("a\xE4\xB8z"), "a\uFFFDz");
  EXPECT_EQ(repair_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(repair_utf8("\xF0\x9F\x98"), "\uFFFD");
  EXPECT_EQ(repair_utf8("é"), "é");
}

TEST(Unicode, ReadsAndWritesEveryCharacter) {
  for (char32_t character = 0; character <= 0x10FFFF; ++character) {
    if (character >= 0xD800 && character <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, character);
    ASSERT_FALSE(find_invalid_utf8(text).has_value()) << static_cast<uint32_t>(character);
    size_t position = 0;
    ASSERT_EQ(next_character(text, position), character);
    ASSERT_EQ(position, text.size());
  }
}

TEST(Unicode, KnowsNumbersOfManyScripts) {
  for (char32_t number :
       {U'7', U'½', U'Ⅷ', U'३', U'③', char32_t{0x10D40}, char32_t{0x11DE0}}) {
    EXPECT_TRUE(is_numeric(number)) << static_cast<uint32_t>(number);
  }
  for (char32_t other : {U'a', U'一', U'.', U'\u0300'}) EXPECT_FALSE(is_numeric(other));
}

TEST(Unicode, ComposesWhatUnicode9Knows) {
  EXPECT_EQ(compose("e\u0301"), "é");
  EXPECT_EQ(compose("q\u0307\u0323"), "q\u0323\u0307");
  EXPECT_EQ(compose("\u1100\u1161\u11a8"), "각");
  EXPECT_EQ(compose("\U00011935\U00011930"), "\U00011935\U00011930");  // of Unicode 13
}

TEST(Unicode, StandInsKeepTheirLength) {
  char32_t previous = 0;
  for (const CategoryRange& range : kCategoryAdditions) {
    EXPECT_GT(range.first, previous);
    previous = range.last;
    std::string text = "a";
    append_utf8(text, range.first);
    const std::string before = text;
    EXPECT_TRUE(has_category_additions(text));
    replace_category_additions(text);
    EXPECT_EQ(text.size(), before.size());
    EXPECT_FALSE(has_category_additions(text));
  }
  EXPECT_FALSE(has_category_additions("plain é \u4e00 \U0001F600"));
}

}  // namespace
}  // namespace srpo::text
