#include "rl/localizer.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "rl/arithmetic_task.h"
#include "rl/countdown_task.h"

namespace srpo::rl {
namespace {

using records::DrawKind;
using records::ParseStatus;
using records::TrajectoryId;

TEST(ParseLocalization, ReadsTheConformanceVectors) {
  struct Vector {
    const char* reply;
    uint32_t step;
    ParseStatus status;
  };
  const std::vector<Vector> vectors = {
      {"\\boxed{4}<eos>", 4, ParseStatus::kBoxed},
      {"\\boxed{Step 1}", 1, ParseStatus::kStepWord},
      {"Step 1 ok. Step 3 wrong", 3, ParseStatus::kStepWord},
      {"\\boxed{0}", 0, ParseStatus::kBoxed},
      {"\\boxed{12}", 1, ParseStatus::kDefault},
      {"Step 5 is it. \\boxed{12}", 5, ParseStatus::kStepWord},
      {"\\boxed{ 3 }", 3, ParseStatus::kBoxed},
      {"\\boxed{2} no \\boxed{6}", 6, ParseStatus::kBoxed},
      {"", 1, ParseStatus::kDefault},
      {"the error is 4", 1, ParseStatus::kDefault},
      {"\\boxed{4", 1, ParseStatus::kDefault},
      {"step 7\\boxed{\\text{7}}", 7, ParseStatus::kStepWord},
      {"\\boxed{-1}", 1, ParseStatus::kDefault},
      {"STEP 2", 1, ParseStatus::kDefault},
  };
  for (const Vector& vector : vectors) {
    const ParsedReply parsed = parse_localization(vector.reply, 8);
    EXPECT_EQ(parsed.step, vector.step) << vector.reply;
    EXPECT_EQ(parsed.status, vector.status) << vector.reply;
    EXPECT_EQ(parsed.thought, std::max(vector.step, 1U)) << vector.reply;
  }
}

TEST(ParseLocalization, TakesOnlyTheLastStepWord) {
  EXPECT_EQ(parse_localization("Step 3 led to step 99", 8).step, 1U);
  EXPECT_EQ(parse_localization("Step 3, a footstep", 8).step, 3U);
  EXPECT_EQ(parse_localization("Step\n4.", 8).step, 4U);
  EXPECT_EQ(parse_localization("Step4", 8).step, 1U);
  EXPECT_EQ(parse_localization("step 0", 8).step, 1U);
}

TEST(ParseLocalization, PassesOverABoxThatNeverCloses) {
  EXPECT_EQ(parse_localization("\\boxed{5} then \\boxed{6", 8).step, 5U);
  EXPECT_EQ(parse_localization("} \\boxed{5} }", 8).step, 5U);
  EXPECT_EQ(parse_localization("\\boxed{99999999999999999999}", 8).status,
            ParseStatus::kDefault);
}

TEST(ParseLocalization, AlwaysGivesAThoughtOfTheChain) {
  const std::vector<std::string> words = {
      "\\boxed{", "}",  "{",    "Step ",      "step",
      " ",        "1",  "9",    "0",          "-",
      "+",        "\n", "\xff", "</thought>", std::string(1, '\0')};
  core::Rng rng(5, core::Purpose::kTest, 0);
  for (int round = 0; round < 20000; ++round) {
    std::string reply;
    for (uint64_t left = rng.below(20); left > 0; --left)
      reply += words[rng.below(words.size())];
    const auto num_thoughts = static_cast<uint32_t>(1 + rng.below(20));
    const ParsedReply parsed = parse_localization(reply, num_thoughts);
    EXPECT_GE(parsed.thought, 1U);
    EXPECT_LE(parsed.thought, num_thoughts);
    EXPECT_LE(parsed.step, num_thoughts);
  }
}

TEST(ParseLocalization, TakesLinearTimeOnHostileReplies) {
  for (const char* piece : {"\\boxed{", "{", "step ", "step", "tep", " ", "step 9"}) {
    std::string reply;
    while (reply.size() < (1 << 20)) reply += piece;
    EXPECT_EQ(parse_localization(reply, 8).step, 1U) << piece;
  }
}

TEST(RandomThought, IsUniformOverTheThoughts) {
  std::map<uint32_t, int> counts;
  for (uint32_t slot = 0; slot < 6000; ++slot) {
    ++counts[random_thought(42, {3, slot, DrawKind::kFresh, 0}, 6)];
  }
  ASSERT_EQ(counts.size(), 6U);
  EXPECT_EQ(counts.begin()->first, 1U);
  EXPECT_EQ(counts.rbegin()->first, 6U);
  for (const auto& [thought, count] : counts) EXPECT_NEAR(count, 1000, 150) << thought;
}

TEST(RandomThought, DependsOnSeedAndChainAndNothingElse) {
  const TrajectoryId chain{3, 7, DrawKind::kFresh, 2};
  EXPECT_EQ(random_thought(1, chain, 1000), random_thought(1, chain, 1000));
  EXPECT_NE(random_thought(1, chain, 1000), random_thought(2, chain, 1000));
  EXPECT_NE(random_thought(1, chain, 1000),
            random_thought(1, {3, 7, DrawKind::kFresh, 3}, 1000));
  EXPECT_EQ(random_thought(1, chain, 1), 1U);
}

FailedChain chain_of_thoughts(uint32_t count) {
  FailedChain chain;
  chain.id = {3, 7, DrawKind::kFresh, 2};
  chain.problem.question = "1 +2";
  chain.thoughts.assign(count, "1+2=4");
  return chain;
}

TEST(Localizer, SelfAsksTheModelAndReadsItsReply) {
  const auto localizer = make_localizer("self", {1});
  const auto prompt = localizer->prompt(PromptStyle::kTerse, chain_of_thoughts(1));
  EXPECT_EQ(prompt, localization_prompt(PromptStyle::kTerse, "1 +2", {"1+2=4"}));
  const auto choice = localizer->choose(chain_of_thoughts(5), "\\boxed{0}");
  EXPECT_EQ(choice.localizer, "self");
  EXPECT_EQ(choice.thought, 1U);
  EXPECT_EQ(choice.num_thoughts, 5U);
  EXPECT_EQ(choice.status, ParseStatus::kBoxed);
  EXPECT_EQ(choice.reply, "\\boxed{0}");
}

TEST(Localizer, RandomAsksNobody) {
  const FailedChain chain = chain_of_thoughts(9);
  const auto localizer = make_localizer("random", {11});
  EXPECT_EQ(localizer->prompt(PromptStyle::kMethod, chain), std::nullopt);
  const auto choice = localizer->choose(chain, "");
  EXPECT_EQ(choice.localizer, "random");
  EXPECT_EQ(choice.thought, random_thought(11, chain.id, 9));
  EXPECT_EQ(choice.status, ParseStatus::kNotParsed);
}

TEST(Localizer, IsRefusedUnderAnUnknownName) {
  EXPECT_THAT(localizer_names(),
              testing::ElementsAre("self", "random", "distributional", "oracle"));
  try {
    make_localizer("judge", {});
    FAIL() << "no error";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig);
    EXPECT_STREQ(error.what(),
                 "localizer 'judge' (expected one of self, random, distributional, "
                 "oracle)");
  }
}

TEST(Localizer, NeedsThePolicyOnlyWhereItIsAsked) {
  EXPECT_TRUE(asks_policy("self"));
  EXPECT_TRUE(asks_policy("distributional"));
  EXPECT_FALSE(asks_policy("random"));
  EXPECT_FALSE(asks_policy("oracle"));
  EXPECT_FALSE(asks_policy("score_revision"));
}

TEST(Localizer, DistributionalReadsHowProbableEachNumberIs) {
  FailedChain chain = chain_of_thoughts(3);
  const auto localizer = make_localizer("distributional", {5, 0});
  EXPECT_TRUE(localizer->prompt(PromptStyle::kTerse, chain).has_value());
  EXPECT_THAT(localizer->candidates(3),
              testing::ElementsAre("\\boxed{1}", "\\boxed{2}", "\\boxed{3}"));
  const std::vector<double> logprobs = {std::log(0.1), std::log(0.3), std::log(0.1)};
  const auto best = localizer->choose_scored(chain, logprobs);
  EXPECT_EQ(best.thought, 2U);
  EXPECT_EQ(best.reply, "p = 0.2 0.6 0.2");
  EXPECT_EQ(best.localizer, "distributional");

  const auto warm = make_localizer("distributional", {5, 1.0});
  std::map<uint32_t, int> counts;
  for (uint32_t slot = 0; slot < 5000; ++slot) {
    chain.id.slot = slot;
    const auto drawn = warm->choose_scored(chain, logprobs);
    EXPECT_EQ(drawn.thought, warm->choose_scored(chain, logprobs).thought);
    ++counts[drawn.thought];
  }
  EXPECT_NEAR(counts[1], 1000, 150);
  EXPECT_NEAR(counts[2], 3000, 150);
  EXPECT_NEAR(counts[3], 1000, 150);
}

TEST(Localizer, OracleKnowsTheFirstWrongStepOfTheBuiltInTasks) {
  const auto oracle = make_localizer("oracle", {});
  for (uint64_t number = 0; number < 200; ++number) {
    for (const WorkedProblem& made :
         {make_arithmetic_problem(1, number, {}, ProblemSet::kTrain),
          make_countdown_problem(1, number, {}, ProblemSet::kTrain)}) {
      const FailedChain chain{{}, made.problem, split_thoughts(made.wrong_solution)};
      EXPECT_EQ(oracle->choose(chain, "").thought,
                static_cast<uint32_t>(made.first_wrong_thought))
          << made.problem.question << ": " << made.wrong_solution;
    }
  }
  FailedChain other = chain_of_thoughts(1);
  other.problem.id = "gsm8k/3";
  EXPECT_THROW(oracle->choose(other, ""), core::Error);
}

}  // namespace
}  // namespace srpo::rl
