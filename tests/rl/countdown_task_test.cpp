#include "rl/countdown_task.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "verify/countdown_verifier.h"

namespace srpo::rl {
namespace {

bool is_correct(const WorkedProblem& made, const std::string& response) {
  return verify::CountdownVerifier().verify(made.problem, response).reward == 1;
}

TEST(CountdownTask, MakesProblemsWhoseSolutionsAreRight) {
  for (uint64_t number = 0; number < 500; ++number) {
    const auto made = make_countdown_problem(3, number, {}, ProblemSet::kTrain);
    EXPECT_EQ(made.problem.kind, "countdown");
    EXPECT_TRUE(is_correct(made, made.solution)) << made.solution;
    EXPECT_FALSE(is_correct(made, made.wrong_solution))
        << made.problem.question << ": " << made.wrong_solution;
    EXPECT_EQ(first_wrong_countdown(made.problem, split_thoughts(made.solution)),
              split_thoughts(made.solution).size());
    EXPECT_EQ(first_wrong_countdown(made.problem, split_thoughts(made.wrong_solution)),
              static_cast<uint32_t>(made.first_wrong_thought));
    EXPECT_EQ(countdown_level(made.problem.id),
              static_cast<int>(split_thoughts(made.solution).size()));
  }
}

TEST(CountdownTask, IsHardForWhoDoesNotSearch) {
  int right = 0;
  for (uint64_t number = 0; number < 500; ++number) {
    const auto made = make_countdown_problem(3, number, {}, ProblemSet::kTrain);
    right += is_correct(made, made.hasty_solution) ? 1 : 0;
  }
  EXPECT_GT(right, 5);
  EXPECT_LT(right, 150);
}

TEST(CountdownTask, FindsTheRightStepThatLeadsNowhere) {
  records::Problem problem;
  problem.question = "23 from 4 6 3 1";
  // 4*6=24 and then 24-1: 3 is left over. 3-1=2 leaves 4 6 2: 6*4-2 = 22, no way to 23.
  EXPECT_EQ(first_wrong_countdown(problem, {"6*3=18", "18+4=22", "22+1=23 \\boxed{23}"}),
            3U);
  EXPECT_EQ(first_wrong_countdown(problem, {"6*3=18", "18-4=14", "14+1=15 \\boxed{15}"}),
            2U)
      << "a right calculation, from which 23 cannot be reached";
  EXPECT_EQ(first_wrong_countdown(problem, {"6*3=19", "19+4=23 \\boxed{23}"}), 1U);
  EXPECT_EQ(first_wrong_countdown(problem, {"6*6=36"}), 1U) << "6 is there once";
  EXPECT_EQ(first_wrong_countdown(problem, {"23 \\boxed{23}"}), 1U);
}

TEST(CountdownTask, KeepsTheTwoSetsApartWhateverTheOrderOfTheNumbers) {
  const auto canonical = [](const WorkedProblem& made) {
    std::multiset<std::string> words;
    std::string word;
    for (const char c : made.problem.question + " ") {
      if (c != ' ') {
        word += c;
      } else {
        words.insert(std::move(word));
        word.clear();
      }
    }
    // The target stands first.
    return made.problem.question.substr(0, made.problem.question.find(' ')) + "|" + [&] {
      std::string all;
      for (const auto& each : words) all += each + ",";
      return all;
    }();
  };
  std::set<std::string> train;
  for (uint64_t number = 0; number < 2000; ++number)
    train.insert(canonical(make_countdown_problem(1, number, {}, ProblemSet::kTrain)));
  for (uint64_t number = 0; number < 500; ++number) {
    const auto made = make_countdown_problem(9, number, {}, ProblemSet::kHeldOut);
    EXPECT_FALSE(train.contains(canonical(made))) << made.problem.question;
  }
}

TEST(CountdownTask, IsAPureFunctionOfItsArguments) {
  const auto once = make_countdown_problem(7, 5, {}, ProblemSet::kHeldOut);
  const auto again = make_countdown_problem(7, 5, {}, ProblemSet::kHeldOut);
  EXPECT_EQ(once.problem.id, "countdown/7/held_out/level" +
                                 std::to_string(*countdown_level(once.problem.id)) +
                                 "/5");
  EXPECT_EQ(once.solution, again.solution);
  EXPECT_EQ(once.wrong_solution, again.wrong_solution);
}

TEST(CountdownTask, RefusesABadRange) {
  EXPECT_THROW(make_countdown_problem(1, 0, {.lowest_numbers = 1}, ProblemSet::kTrain),
               core::Error);
  EXPECT_THROW(make_countdown_problem(1, 0, {.highest_value = 5}, ProblemSet::kTrain),
               core::Error);
}

}  // namespace
}  // namespace srpo::rl
