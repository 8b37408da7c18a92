#include "text/added_tokens.h"

#include <gtest/gtest.h>

namespace srpo::text {
namespace {

std::vector<std::string> split(const AddedTokenMatcher& matcher,
                               const std::string& text) {
  std::vector<std::string> parts;
  for (const TextPart& part : matcher.split(text)) {
    parts.push_back((part.token != nullptr ? "*" : "") + std::string(part.text));
  }
  return parts;
}

AddedToken token(int32_t id, const std::string& content) {
  AddedToken made;
  made.id = id;
  made.content = content;
  return made;
}

using Parts = std::vector<std::string>;

TEST(AddedTokenMatcher, TakesTheLeftmostThenTheLongestToken) {
  const AddedTokenMatcher matcher({token(0, "<a>"), token(1, "<a><b>"), token(2, "a><")});
  EXPECT_EQ(split(matcher, "x<a><b>y<a>"), (Parts{"x", "*<a><b>", "y", "*<a>"}));
  EXPECT_EQ(split(matcher, "<a"), (Parts{"<a"}));
  EXPECT_EQ(split(matcher, ""), Parts{});
}

TEST(AddedTokenMatcher, TakesWhiteSpaceThatATokenStrips) {
  AddedToken left = token(0, "<L>");
  left.lstrip = true;
  AddedToken right = token(1, "<R>");
  right.rstrip = true;
  const AddedTokenMatcher matcher({left, right});
  EXPECT_EQ(split(matcher, "a \u3000<L> b<R>\n c"),
            (Parts{"a", "* \u3000<L>", " b", "*<R>\n ", "c"}));
  EXPECT_EQ(split(matcher, "<R>  <L>"), (Parts{"*<R>  ", "*<L>"}));
}

}  // namespace
}  // namespace srpo::text
