#include "text/thoughts.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "text/tokenizer_builder.h"
#include "text/white_space.h"

namespace srpo::text {
namespace {

TEST(Thoughts, StripTheirDelimiterAndTheSpaceAroundThem) {
  EXPECT_EQ(strip_delimiter(" We add.\n</thought>\n"), "We add.");
  EXPECT_EQ(strip_delimiter("</thought>a</thought>b\u3000"), "ab");
  EXPECT_EQ(strip_delimiter("no end"), "no end");
  EXPECT_EQ(strip_delimiter("</thought>"), "");
  EXPECT_EQ(strip_delimiter("\x1f x \xE3\x80"), "x \xE3\x80");
}

TEST(Thoughts, AreCutAtTheirEnds) {
  const auto tokenizer =
      Tokenizer::parse(make_character_tokenizer({"</thought>"}, {"<|end|>"}), "built");
  const std::vector<int32_t> tokens =
      tokenizer.encode("ab</thought>c</thought>\\boxed{1}<|end|>d");
  const std::vector<uint32_t> ends = {3, 5, 15};
  EXPECT_EQ(
      split_thoughts(tokenizer, tokens, ends),
      (std::vector<std::string>{"ab</thought>", "c</thought>", "\\boxed{1}<|end|>"}));
  EXPECT_TRUE(split_thoughts(tokenizer, tokens, {}).empty());
}

TEST(Thoughts, RefuseEndsOutOfOrderOrRange) {
  const auto tokenizer = Tokenizer::parse(make_character_tokenizer({}, {}), "built");
  const std::vector<int32_t> tokens = {97, 98};
  EXPECT_THROW(split_thoughts(tokenizer, tokens, std::vector<uint32_t>{2, 1}),
               core::Error);
  EXPECT_THROW(split_thoughts(tokenizer, tokens, std::vector<uint32_t>{3}), core::Error);
}

TEST(WhiteSpace, IsTrimmedOnTheSideAskedFor) {
  EXPECT_EQ(trim_left("\u2003 a "), "a ");
  EXPECT_EQ(trim_right(" a\u00a0\n"), " a");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(trim("\u200ba"), "\u200ba");
}

}  // namespace
}  // namespace srpo::text
