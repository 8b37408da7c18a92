#include "engine/chain_rules.h"

#include <string>

#include <gtest/gtest.h>

namespace srpo::engine {
namespace {

using records::FinishReason;
using Ends = std::vector<uint32_t>;

const std::string kEos = "<eos>";

struct Outcome {
  size_t tokens = 0;  ///< taken before the chain ended
  std::optional<FinishReason> finish;
  Ends ends;
};

Outcome follow(const records::GenerationRequest& request,
               const std::vector<std::string>& pieces) {
  ChainRules rules(request, request.limits.context_tokens);
  Outcome outcome;
  outcome.finish = rules.before_first_token();
  for (const std::string& piece : pieces) {
    if (outcome.finish) break;
    outcome.finish = rules.add(piece, piece == kEos);
    ++outcome.tokens;
  }
  outcome.ends = rules.thought_ends();
  return outcome;
}

records::GenerationRequest request() {
  records::GenerationRequest made;
  made.prompt_tokens.assign(10, 1);
  made.limits.max_thoughts = 4;
  made.limits.thought_tokens = 5;
  made.limits.response_tokens = 20;
  made.limits.context_tokens = 1000;
  return made;
}

TEST(ChainRules, EndsAThoughtAfterTheTokenThatCompletesTheMark) {
  const auto outcome =
      follow(request(), {"one</th", "ought", ">\n\n", "two", "</thought>"});
  EXPECT_EQ(outcome.ends, (Ends{3, 5}));
  EXPECT_FALSE(outcome.finish.has_value());
}

TEST(ChainRules, EndsTheChainWithTheThoughtThatContainsABox) {
  const auto outcome =
      follow(request(), {"a</thought>", "so \\bo", "xed{", "7}", "</thought>", "more"});
  EXPECT_EQ(outcome.finish, FinishReason::kAnswer);
  EXPECT_EQ(outcome.tokens, 5U);
  EXPECT_EQ(outcome.ends, (Ends{1, 5}));
}

TEST(ChainRules, TakesABoxBehindTheMarkInTheSameTokenIntoTheThought) {
  const auto outcome = follow(request(), {"a</thought>\\boxed{", "x"});
  EXPECT_EQ(outcome.finish, FinishReason::kAnswer);
  EXPECT_EQ(outcome.tokens, 1U);
}

TEST(ChainRules, CutsAThoughtWithoutAMarkAtItsTokenLimit) {
  const auto outcome = follow(request(), {"1", "2", "3", "4", "5", "6", "</thought>"});
  EXPECT_EQ(outcome.ends, (Ends{5, 7}));
}

TEST(ChainRules, EndsWithABoxThatTheCutLeavesOpen) {
  const auto outcome = follow(request(), {"1", "2", "3", "4", "\\boxed{", "6"});
  EXPECT_EQ(outcome.finish, FinishReason::kAnswer);
  EXPECT_EQ(outcome.ends, (Ends{5}));
}

TEST(ChainRules, DoesNotMatchMarksAcrossThoughts) {
  const auto outcome = follow(request(), {"1", "2", "3", "4", "</thou", "ght>", "7"});
  EXPECT_EQ(outcome.ends, (Ends{5}));
  const auto boxed =
      follow(request(), {"1", "2", "3", "4", "\\box", "ed{", "7", "</thought>"});
  EXPECT_EQ(boxed.ends, (Ends{5, 8}));
  EXPECT_FALSE(boxed.finish.has_value());
}

TEST(ChainRules, EndsTheChainWithTheEndOfText) {
  const auto outcome = follow(request(), {"a</thought>", "b", kEos, "c"});
  EXPECT_EQ(outcome.finish, FinishReason::kEndOfText);
  EXPECT_EQ(outcome.ends, (Ends{1, 3}));
  const auto boxed = follow(request(), {"\\boxed{1}", kEos});
  EXPECT_EQ(boxed.finish, FinishReason::kAnswer);
  const auto at_once = follow(request(), {kEos});
  EXPECT_EQ(at_once.ends, (Ends{1}));
}

TEST(ChainRules, EndsAtTheLastThoughtThatIsAllowed) {
  const std::string mark = "</thought>";
  const auto outcome = follow(request(), {mark, mark, mark, mark, mark});
  EXPECT_EQ(outcome.finish, FinishReason::kThoughtLimit);
  EXPECT_EQ(outcome.ends, (Ends{1, 2, 3, 4}));
}

TEST(ChainRules, BeginsNoThoughtThatMayNotFit) {
  auto short_response = request();
  short_response.limits.response_tokens = 9;
  const auto outcome = follow(short_response, {"1", "2", "3", "4", "</thought>", "6"});
  EXPECT_EQ(outcome.finish, FinishReason::kTokenLimit);
  EXPECT_EQ(outcome.ends, (Ends{5}));
  short_response.limits.response_tokens = 10;
  EXPECT_FALSE(
      follow(short_response, {"1", "2", "3", "4", "</thought>", "6"}).finish.has_value());

  auto short_context = request();
  short_context.limits.context_tokens = 14;
  const auto nothing = follow(short_context, {"1"});
  EXPECT_EQ(nothing.finish, FinishReason::kTokenLimit);
  EXPECT_EQ(nothing.tokens, 0U);
  EXPECT_TRUE(nothing.ends.empty());
  short_context.limits.context_tokens = 15;
  EXPECT_EQ(follow(short_context, {"1", "</thought>", "3"}).finish,
            FinishReason::kTokenLimit);
}

TEST(ChainRules, CountsTheKeptPrefix) {
  auto suffix = request();
  suffix.prefix_tokens.assign(6, 1);
  suffix.prefix_thought_ends = {2, 4, 6};
  const auto outcome = follow(suffix, {"x", "</thought>", "y"});
  EXPECT_EQ(outcome.finish, FinishReason::kThoughtLimit);
  EXPECT_EQ(outcome.ends, (Ends{2, 4, 6, 8}));
  suffix.limits.response_tokens = 10;
  EXPECT_EQ(follow(suffix, {"x"}).finish, FinishReason::kTokenLimit);
}

TEST(ChainRules, WithoutThoughtsEndsAtTextEndStopOrLimit) {
  auto plain = request();
  plain.limits.thoughts = false;
  plain.limits.stops = {"}."};
  const auto stopped = follow(plain, {"a</thought>", "\\boxed{1", "}", ".", "b"});
  EXPECT_EQ(stopped.finish, FinishReason::kEndOfText);
  EXPECT_EQ(stopped.tokens, 4U);
  EXPECT_TRUE(stopped.ends.empty());
  EXPECT_EQ(follow(plain, {"a", kEos, "b"}).tokens, 2U);
  plain.limits.response_tokens = 3;
  const auto full = follow(plain, {"1", "2", "3", "4"});
  EXPECT_EQ(full.finish, FinishReason::kTokenLimit);
  EXPECT_EQ(full.tokens, 3U);
  plain.limits.context_tokens = 12;
  EXPECT_EQ(follow(plain, {"1", "2", "3"}).tokens, 2U);
}

}  // namespace
}  // namespace srpo::engine
