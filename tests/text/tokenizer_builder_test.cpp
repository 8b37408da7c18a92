#include "text/tokenizer_builder.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "text/tokenizer.h"

namespace srpo::text {
namespace {

TEST(TokenizerBuilder, MakesOneTokenAByteAndTheAddedOnes) {
  const auto tokenizer = Tokenizer::parse(
      make_character_tokenizer({"</thought>", "\\boxed{"}, {"<|end|>"}), "built");
  EXPECT_EQ(tokenizer.vocab_size(), 259);
  EXPECT_EQ(tokenizer.encode("1+é</thought>\\boxed{<|end|>"),
            (std::vector<int32_t>{'1', '+', 0xC3, 0xA9, 256, 257, 258}));
  EXPECT_TRUE(tokenizer.is_special(258));
  EXPECT_FALSE(tokenizer.is_special(256));
  EXPECT_EQ(tokenizer.token_bytes(0xA9), "\xA9");
  EXPECT_EQ(tokenizer.token_bytes(256), "</thought>");
}

TEST(TokenizerBuilder, GivesEveryTextBack) {
  const auto tokenizer =
      Tokenizer::parse(make_character_tokenizer({}, {"<|end|>"}), "built");
  std::string text;
  for (char c = 0; c < 127; ++c) text += c;
  text += "é \u4e00 \U0001F600<|end|>";
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

TEST(TokenizerBuilder, RefusesTokensThatCannotWork) {
  EXPECT_THROW(make_character_tokenizer({""}, {}), core::Error);
  EXPECT_THROW(make_character_tokenizer({"a"}, {}), core::Error);
  EXPECT_THROW(make_character_tokenizer({"<a>"}, {"<a>"}), core::Error);
  EXPECT_THROW(make_character_tokenizer({"é"}, {}), core::Error);
  EXPECT_THROW(make_character_tokenizer({"\xff\xff"}, {}), core::Error);
}

}  // namespace
}  // namespace srpo::text
