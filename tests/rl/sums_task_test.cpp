#include "rl/sums_task.h"

#include <set>

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::rl {
namespace {

std::set<std::string> questions(uint64_t seed, ProblemSet set) {
  std::set<std::string> found;
  for (uint64_t number = 0; number < 2000; ++number) {
    found.insert(make_sum(seed, number, {0, 9}, set).question);
  }
  return found;
}

TEST(SumsTask, IsAPureFunctionOfItsArguments) {
  const auto problem = make_sum(1, 2, {0, 9}, ProblemSet::kTrain);
  EXPECT_EQ(make_sum(1, 2, {0, 9}, ProblemSet::kTrain).question, problem.question);
  EXPECT_EQ(problem.kind, "math");
}

TEST(SumsTask, SharesNoQuestionBetweenTrainAndHeldOutWhateverTheSeed) {
  const auto train = questions(1, ProblemSet::kTrain);
  const auto held_out = questions(2, ProblemSet::kHeldOut);
  EXPECT_EQ(train.size() + held_out.size(), 100u);
  for (const std::string& question : held_out)
    EXPECT_FALSE(train.contains(question)) << question;
}

TEST(SumsTask, RefusesBadRanges) {
  EXPECT_THROW(make_sum(1, 1, {5, 4}, ProblemSet::kTrain), core::Error);
  EXPECT_THROW(make_sum(1, 1, {-1, 4}, ProblemSet::kTrain), core::Error);
  EXPECT_THROW(make_sum(1, 1, {0, 1000}, ProblemSet::kTrain), core::Error);
}

}  // namespace
}  // namespace srpo::rl
