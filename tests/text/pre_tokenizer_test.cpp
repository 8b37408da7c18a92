#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

namespace srpo::text {
namespace {

using Words = std::vector<std::string>;

Words split(PreTokenizerStep step, const std::string& text) {
  std::vector<PreTokenizerStep> steps;
  steps.push_back(std::move(step));
  const PreTokenizer pre_tokenizer(std::move(steps));
  PreTokenizerMemory memory;
  Words words;
  for (std::string_view word : pre_tokenizer.split(text, memory))
    words.emplace_back(word);
  return words;
}

PreTokenizerStep at(const char* pattern, SplitBehavior behavior, bool invert = false) {
  return make_split_step(pattern, Regex::Syntax::kOniguruma, behavior, invert, "test");
}

PreTokenizerStep at_dashes(SplitBehavior behavior, bool invert = false) {
  return at("-", behavior, invert);
}

TEST(PreTokenizer, TreatsMatchesAsTheBehaviorSays) {
  const std::string text = "a-b--c";
  EXPECT_EQ(split(at_dashes(SplitBehavior::kRemoved), text), (Words{"a", "b", "c"}));
  EXPECT_EQ(split(at_dashes(SplitBehavior::kIsolated), text),
            (Words{"a", "-", "b", "-", "-", "c"}));
  EXPECT_EQ(split(at_dashes(SplitBehavior::kMergedWithPrevious), text),
            (Words{"a-", "b-", "-", "c"}));
  EXPECT_EQ(split(at_dashes(SplitBehavior::kMergedWithNext), text),
            (Words{"a", "-b", "-", "-c"}));
  EXPECT_EQ(split(at_dashes(SplitBehavior::kContiguous), text),
            (Words{"a", "-", "b", "--", "c"}));
  EXPECT_EQ(split(at_dashes(SplitBehavior::kRemoved, true), text),
            (Words{"-", "-", "-"}));
}

TEST(PreTokenizer, SetsDigitsApart) {
  EXPECT_EQ(split(DigitsStep{true}, "a12½b"), (Words{"a", "1", "2", "½", "b"}));
  EXPECT_EQ(split(DigitsStep{false}, "a12½b"), (Words{"a", "12½", "b"}));
}

TEST(PreTokenizer, PutsASpaceBeforeATextWithoutOne) {
  EXPECT_EQ(split(PrefixSpaceStep{}, "a"), Words{" a"});
  EXPECT_EQ(split(PrefixSpaceStep{}, " a"), Words{" a"});
  EXPECT_EQ(split(PrefixSpaceStep{}, ""), Words{});
}

TEST(PreTokenizer, ClassifiesCharactersThatAreYoungerThanPcre) {
  EXPECT_EQ(split(at("\\p{L}+", SplitBehavior::kIsolated), "x\ua7cb\U000105c0."),
            (Words{"x\ua7cb\U000105c0", "."}));
}

}  // namespace
}  // namespace srpo::text
