#include "evaluation/correction_metrics.h"

#include <gtest/gtest.h>

#include "made_samples.h"

namespace srpo::evaluation {
namespace {

TEST(CorrectionMetrics, CountsATinyTableAsByHand) {
  const CorrectionMetrics metrics = correction_metrics({
      made_sample({"t", 0, 0, 0}, "R", StopCause::kOracle),
      made_sample({"t", 1, 0, 0}, "WWR", StopCause::kOracle),
      made_sample({"t", 2, 0, 0}, "WRWRW", StopCause::kCap),
      made_sample({"t", 3, 0, 0}, "WW", StopCause::kBelief),
  });
  ASSERT_EQ(metrics.iterations.size(), 5u);
  EXPECT_EQ(metrics.iterations[0].correct.successes, 1u);
  EXPECT_EQ(metrics.iterations[1].correct.successes, 2u);  // R and WR
  EXPECT_EQ(metrics.iterations[2].correct.successes, 2u);  // R and WWR
  EXPECT_EQ(metrics.iterations[4].correct.successes, 2u);
  EXPECT_EQ(metrics.iterations[4].correct.total, 4u);
  EXPECT_EQ(metrics.iterations[4].best.successes, 3u);
  EXPECT_EQ(metrics.iterations[1].edited_correct.total, 3u);
  EXPECT_EQ(metrics.iterations[1].edited_correct.successes, 1u);
  EXPECT_EQ(metrics.wrong_to_wrong, 2u);
  EXPECT_EQ(metrics.wrong_to_correct, 3u);
  EXPECT_EQ(metrics.correct_to_wrong, 2u);
  EXPECT_EQ(metrics.correct_to_correct, 0u);
  EXPECT_EQ(metrics.at_once, 1u);
  EXPECT_EQ(metrics.within_three, 1u);
  EXPECT_EQ(metrics.never, 2u);
  EXPECT_EQ(metrics.oscillating.successes, 1u);  // four changes
  EXPECT_EQ(metrics.stopped_early.successes, 3u);
  EXPECT_EQ(metrics.premature.successes, 1u);
  EXPECT_EQ(metrics.premature.total, 3u);
  EXPECT_EQ(metrics.kept_on.successes, 1u);
  EXPECT_DOUBLE_EQ(*metrics.corrections.value(), 7.0 / 4);
  EXPECT_DOUBLE_EQ(*metrics.kept_share.value(), 0.25);
}

TEST(CorrectionMetrics, TellsWhatTheModelBelievedFromWhatIsSo) {
  Sample sample = made_sample({"t", 0, 0, 0}, "WR", StopCause::kBelief);
  sample.attempts[0].belief = Belief::kWrong;
  sample.attempts[1].belief = Belief::kRight;
  Sample other = made_sample({"t", 1, 0, 0}, "W", StopCause::kBelief);
  other.attempts[0].belief = Belief::kRight;
  const CorrectionMetrics metrics = correction_metrics({sample, other});
  EXPECT_EQ(metrics.true_positive, 1u);
  EXPECT_EQ(metrics.false_positive, 1u);
  EXPECT_EQ(metrics.true_negative, 1u);
  EXPECT_EQ(metrics.false_negative, 0u);
  EXPECT_DOUBLE_EQ(*metrics.precision().share(), 0.5);
  EXPECT_DOUBLE_EQ(*metrics.recall().share(), 1);
  EXPECT_DOUBLE_EQ(*metrics.specificity().share(), 0.5);
}

}  // namespace
}  // namespace srpo::evaluation
