#include "text/tokenizer.h"

#include <thread>

#include <gtest/gtest.h>

#include "core/error.h"
#include "golden.h"
#include "text/tokenizer_builder.h"

namespace srpo::text {
namespace {

Tokenizer golden_tokenizer(const std::string& variant) {
  const auto tiny = read_golden("tokenizer/tiny.json");
  auto file = tiny["base"];
  file.update(tiny["variants"][variant]);
  return Tokenizer::parse(file.dump(), variant);
}

TEST(Tokenizer, LeavesTheFilesSpecialTokensOutWhenAsked) {
  const Tokenizer tokenizer = golden_tokenizer("added");
  const auto bare = tokenizer.encode("the box", false);
  auto wrapped = tokenizer.encode("the box");
  ASSERT_EQ(wrapped.size(), bare.size() + 2);
  EXPECT_EQ(wrapped.front(), tokenizer.token_id("<|start|>"));
  EXPECT_EQ(wrapped.back(), tokenizer.token_id("<|end|>"));
  EXPECT_EQ(tokenizer.decode(wrapped, /*skip_special=*/true), " the box");
}

TEST(Tokenizer, RefusesATextThatIsNotUtf8) {
  const Tokenizer tokenizer = golden_tokenizer("gpt2");
  try {
    tokenizer.encode("ab\xff");
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput);
    EXPECT_STREQ(error.what(), "text is not UTF-8 at byte 2 of 3");
  }
}

TEST(Tokenizer, DecodesIdsWithoutATokenToNothing) {
  const Tokenizer tokenizer = golden_tokenizer("gpt2");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{-1, tokenizer.vocab_size(), 1 << 30}),
            "");
  EXPECT_EQ(tokenizer.token_bytes(-1), "");
}

TEST(Tokenizer, PutsPartsOfCharactersTogether) {
  const auto tokenizer = Tokenizer::parse(make_character_tokenizer({}, {}), "built");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0xC3, 0xA9}), "é");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0xC3}), "\uFFFD");
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0xF0, 0x9F, 'a'}), "\uFFFDa");
}

TEST(Tokenizer, GivesTheSameIdsOnManyThreads) {
  const Tokenizer tokenizer = golden_tokenizer("qwen");
  std::vector<std::string> texts;
  const auto cases = read_golden("tokenizer/cases.json");
  for (const auto& text : cases["texts"]) texts.push_back(text);
  std::vector<std::vector<int32_t>> expected;
  for (const std::string& text : texts) expected.push_back(tokenizer.encode(text));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 20; ++round) {
        for (size_t i = 0; i < texts.size(); ++i)
          wrong[t] += tokenizer.encode(texts[i]) != expected[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

class TokenizerFolder : public testing::Test {
 protected:
  TokenizerFolder() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    core::write_file(folder_ / "tokenizer.json",
                     make_character_tokenizer({}, {"<s>", "</s>"}));
  }
  ~TokenizerFolder() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / "srpo_tokenizer_folder";
};

TEST_F(TokenizerFolder, NamesTheTokensOfItsConfig) {
  core::write_file(
      folder_ / "tokenizer_config.json",
      std::string(
          R"({"bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null})"));
  for (const auto& path : {folder_, folder_ / "tokenizer.json"}) {
    const Tokenizer tokenizer = Tokenizer::load(path);
    EXPECT_EQ(tokenizer.bos_id(), 256);
    EXPECT_EQ(tokenizer.eos_id(), 257);
    EXPECT_FALSE(tokenizer.pad_id().has_value());
    EXPECT_EQ(tokenizer.special_ids(), (std::vector<int32_t>{256, 257}));
  }
}

TEST_F(TokenizerFolder, RefusesAConfigThatNamesNoToken) {
  core::write_file(folder_ / "tokenizer_config.json",
                   std::string(R"({"eos_token": "<end>"})"));
  EXPECT_THROW(Tokenizer::load(folder_), core::Error);
}

TEST_F(TokenizerFolder, NeedsNoConfig) {
  EXPECT_FALSE(Tokenizer::load(folder_).eos_id().has_value());
  EXPECT_THROW(Tokenizer::load(folder_ / "absent"), core::Error);
}

}  // namespace
}  // namespace srpo::text
