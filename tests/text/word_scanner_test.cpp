#include "text/word_scanner.h"

#include <random>

#include <gtest/gtest.h>

#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace srpo::text {
namespace {

constexpr const char* kPatterns[] = {
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};

std::string random_text(std::mt19937& random) {
  static const char* const kPieces[] = {
      "'",      "'s",     "'RE",    "'\u017f", "l",          "\n",    "\r", " ",
      "  ",     "\t",     "a",      "BC",      "1",          "234",   "!",  "...",
      "\u00e9", "\u00a0", "\u2028", "\u0663",  "\U0001f600", "\u0301"};
  std::string text;
  for (size_t left = 1 + random() % 20; left > 0; --left) {
    if (random() % 8 == 0) {
      const char32_t character = random() % 0x30000;
      append_utf8(text, character >= 0xD800 && character <= 0xDFFF ? U'x' : character);
    } else {
      text += kPieces[random() % std::size(kPieces)];
    }
  }
  return text;
}

TEST(WordScanner, FindsTheWordsThatTheRegularExpressionFinds) {
  std::mt19937 random(3);
  for (const char* pattern : kPatterns) {
    const auto scanner = WordScanner::for_pattern(pattern);
    ASSERT_TRUE(scanner) << pattern;
    std::vector<PreTokenizerStep> steps;
    steps.emplace_back(SplitStep{Regex(pattern, Regex::Syntax::kOniguruma, "test"),
                                 SplitBehavior::kIsolated, false, std::nullopt});
    const PreTokenizer slow(std::move(steps));
    PreTokenizerMemory memory;
    for (int round = 0; round < 20000; ++round) {
      const std::string text = random_text(random);
      std::vector<std::string_view> words;
      scanner->split(text, words);
      ASSERT_EQ(words, slow.split(text, memory)) << pattern << "\n" << text;
    }
  }
}

TEST(WordScanner, LeavesOtherPatternsToTheRegularExpression) {
  EXPECT_FALSE(WordScanner::for_pattern(R"(\p{L}+)"));
  EXPECT_FALSE(WordScanner::for_pattern(std::string(kPatterns[1]) + "|x"));
}

}  // namespace
}  // namespace srpo::text
