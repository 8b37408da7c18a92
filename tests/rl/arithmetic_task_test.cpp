#include "rl/arithmetic_task.h"

#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "rl/localizer.h"
#include "verify/make_verifier.h"

namespace srpo::rl {
namespace {

using records::VerdictKind;

constexpr ArithmeticRange kRange;

struct ParsedStep {
  int left = 0;
  char sign = 0;
  int operand = 0;
  int result = 0;
  std::string rest;
};

ParsedStep parse_step(const std::string& thought) {
  ParsedStep step;
  char equals = 0;
  std::istringstream text(thought);
  text >> step.left >> step.sign >> step.operand >> equals >> step.result;
  EXPECT_TRUE(text && equals == '=') << thought;
  std::getline(text, step.rest);
  return step;
}

int apply(int left, char sign, int operand) {
  return sign == '+' ? left + operand : sign == '-' ? left - operand : left * operand;
}

/// The thoughts (1-based) that do not follow from the question and the thought before;
/// worked out from the text alone.
std::vector<int> wrong_thoughts(const std::string& question,
                                const std::string& solution) {
  std::istringstream text(question);
  int value = 0;
  text >> value;
  std::vector<int> wrong;
  int number = 0;
  for (const std::string& thought : split_thoughts(solution)) {
    ++number;
    char sign = 0;
    int operand = 0;
    text >> sign >> operand;
    EXPECT_TRUE(text) << question << " has fewer operations than " << solution;
    const ParsedStep step = parse_step(thought);
    EXPECT_EQ(step.left, value) << solution;
    if (step.sign != sign || step.operand != operand ||
        step.result != apply(value, sign, operand)) {
      wrong.push_back(number);
    }
    value = step.result;
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 999);
  }
  text >> std::ws;
  EXPECT_TRUE(text.eof()) << question << " has more operations than " << solution;
  return wrong;
}

TEST(ArithmeticTask, MakesSolutionsThatAreRightStepByStepAndVerifyCorrect) {
  const auto verifier = verify::make_verifier("math");
  for (uint64_t number = 0; number < 3000; ++number) {
    const auto set = number % 2 == 0 ? ProblemSet::kTrain : ProblemSet::kHeldOut;
    const auto made = make_arithmetic_problem(7, number, kRange, set);
    EXPECT_EQ(made.problem.kind, "math");
    EXPECT_EQ(verifier->verify(made.problem, made.solution).kind, VerdictKind::kCorrect)
        << made.problem.question << ": " << made.solution;
    EXPECT_TRUE(wrong_thoughts(made.problem.question, made.solution).empty())
        << made.solution;
  }
}

TEST(ArithmeticTask, SpoilsExactlyOneThoughtOfTheWrongSolution) {
  const auto verifier = verify::make_verifier("math");
  for (uint64_t number = 0; number < 3000; ++number) {
    const auto made = make_arithmetic_problem(8, number, {1, 16}, ProblemSet::kTrain);
    EXPECT_EQ(verifier->verify(made.problem, made.wrong_solution).kind,
              VerdictKind::kWrong)
        << made.problem.question << ": " << made.wrong_solution;
    EXPECT_EQ(wrong_thoughts(made.problem.question, made.wrong_solution),
              std::vector<int>{made.first_wrong_thought})
        << made.problem.question << ": " << made.wrong_solution;
  }
}

TEST(ArithmeticTask, ClosesEveryThoughtAndBoxesOnlyTheLast) {
  for (uint64_t number = 0; number < 200; ++number) {
    const auto made = make_arithmetic_problem(1, number, kRange, ProblemSet::kTrain);
    for (const std::string& solution : {made.solution, made.wrong_solution}) {
      EXPECT_TRUE(solution.ends_with("}</thought>"));
      const auto thoughts = split_thoughts(solution);
      EXPECT_EQ(thoughts.size(), static_cast<size_t>(*arithmetic_level(made.problem.id)));
      for (size_t i = 0; i + 1 < thoughts.size(); ++i) {
        EXPECT_EQ(thoughts[i].find("\\boxed{"), std::string::npos);
      }
      const ParsedStep last = parse_step(thoughts.back());
      EXPECT_EQ(last.rest, " \\boxed{" + std::to_string(last.result) + "}");
    }
  }
}

TEST(ArithmeticTask, KeepsTrainingAndHeldOutQuestionsApartWhateverTheSeed) {
  std::set<std::string> train;
  for (uint64_t number = 0; number < 20000; ++number) {
    train.insert(
        make_arithmetic_problem(1, number, {1, 2}, ProblemSet::kTrain).problem.question);
  }
  for (uint64_t number = 0; number < 5000; ++number) {
    const auto held_out =
        make_arithmetic_problem(2, number, {1, 2}, ProblemSet::kHeldOut);
    EXPECT_FALSE(train.contains(held_out.problem.question)) << held_out.problem.question;
  }
}

TEST(ArithmeticTask, CoversItsLevelsAndSpoiltThoughtsEvenly) {
  std::map<int, int> levels;
  std::map<int, int> spoilt;
  for (uint64_t number = 0; number < 5000; ++number) {
    const auto made = make_arithmetic_problem(3, number, kRange, ProblemSet::kTrain);
    const int level = *arithmetic_level(made.problem.id);
    ++levels[level];
    if (level == 5) ++spoilt[made.first_wrong_thought];
  }
  ASSERT_EQ(levels.size(), 5U);
  for (const auto& [level, count] : levels) EXPECT_NEAR(count, 1000, 150) << level;
  ASSERT_EQ(spoilt.size(), 5U);
  for (const auto& [thought, count] : spoilt) EXPECT_NEAR(count, 200, 60) << thought;
}

TEST(ArithmeticTask, IsAPureFunctionOfItsArguments) {
  const auto first = make_arithmetic_problem(5, 17, kRange, ProblemSet::kHeldOut);
  const auto again = make_arithmetic_problem(5, 17, kRange, ProblemSet::kHeldOut);
  EXPECT_EQ(first.problem.question, again.problem.question);
  EXPECT_EQ(first.wrong_solution, again.wrong_solution);
  EXPECT_NE(
      first.problem.question,
      make_arithmetic_problem(6, 17, kRange, ProblemSet::kHeldOut).problem.question);
}

TEST(ArithmeticTask, RecordsItsLevelInTheId) {
  const auto made = make_arithmetic_problem(5, 17, {4, 4}, ProblemSet::kHeldOut);
  EXPECT_EQ(made.problem.id, "arithmetic/5/held_out/level4/17");
  EXPECT_EQ(arithmetic_level(made.problem.id), 4);
  EXPECT_EQ(arithmetic_level("gsm8k/level4"), std::nullopt);
  EXPECT_EQ(arithmetic_level("arithmetic/5"), std::nullopt);
}

TEST(ArithmeticTask, DemonstratesSolvingAndLocalizing) {
  const auto made = make_arithmetic_problem(5, 17, {3, 3}, ProblemSet::kTrain);
  const auto solve = solve_demonstration(PromptStyle::kTerse, made);
  EXPECT_EQ(solve.prompt, made.problem.question + "\n");
  EXPECT_EQ(solve.response, made.solution);
  const auto localize = localization_demonstration(PromptStyle::kTerse, made);
  EXPECT_TRUE(localize.prompt.starts_with("?" + made.problem.question + "\n1 "));
  EXPECT_EQ(parse_localization(localize.response, 3).thought,
            static_cast<uint32_t>(made.first_wrong_thought));
  EXPECT_EQ(parse_localization(localize.response, 3).status,
            records::ParseStatus::kBoxed);
}

TEST(ArithmeticTask, StaysWithinANarrowerRange) {
  const ArithmeticRange narrow{2, 5, 20, 9};
  for (uint64_t number = 0; number < 2000; ++number) {
    const auto made = make_arithmetic_problem(4, number, narrow, ProblemSet::kHeldOut);
    EXPECT_TRUE(wrong_thoughts(made.problem.question, made.solution).empty());
    EXPECT_EQ(wrong_thoughts(made.problem.question, made.wrong_solution),
              std::vector<int>{made.first_wrong_thought});
    for (const std::string& thought :
         split_thoughts(made.solution + made.wrong_solution)) {
      EXPECT_LE(parse_step(thought).result, 20);
      EXPECT_LE(parse_step(thought).operand, 9);
    }
  }
}

TEST(ArithmeticTask, RefusesABadRange) {
  for (const ArithmeticRange& range :
       {ArithmeticRange{0, 3}, ArithmeticRange{4, 3}, ArithmeticRange{1, 17},
        ArithmeticRange{1, 2, 19}, ArithmeticRange{1, 2, 1000},
        ArithmeticRange{1, 2, 99, 1}, ArithmeticRange{1, 2, 99, 100}}) {
    EXPECT_THROW(make_arithmetic_problem(1, 1, range, ProblemSet::kTrain), core::Error);
  }
}

TEST(ArithmeticTask, LeavesOutOperationsInHaste) {
  const auto verifier = verify::make_verifier("math");
  std::set<size_t> thoughts;
  for (uint64_t number = 0; number < 200; ++number) {
    const auto made =
        make_arithmetic_problem(3, number, {4, 4, 99, 9}, ProblemSet::kTrain);
    EXPECT_EQ(verifier->verify(made.problem, made.hasty_solution).reward, 1.0);
    thoughts.insert(split_thoughts(made.hasty_solution).size());
  }
  EXPECT_EQ(thoughts, (std::set<size_t>{1, 2, 3}));
}

}  // namespace
}  // namespace srpo::rl
