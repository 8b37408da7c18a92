#include "rl/tabular/two_context.h"

#include <cmath>

#include <gtest/gtest.h>

#include "rl/tabular/separation.h"

namespace srpo::rl::tabular {
namespace {

/// Mean and variance of the estimated advantage, and the share of successes.
struct Outcome {
  double mean = 0;
  double variance = 0;
  double success = 0;
};

template <class Draw>
Outcome outcome_of(const TwoContext& game, const TrialOptions& options, uint64_t returns,
                   int trials, Draw draw) {
  Outcome outcome;
  core::Rng rng(31, core::Purpose::kTest, returns);
  for (int i = 0; i < trials; ++i) {
    const Trial trial =
        finish_trial(game, options, returns, draw(game, options, returns, rng));
    outcome.mean += trial.advantage / trials;
    outcome.variance += trial.advantage * trial.advantage / trials;
    outcome.success += trial.gain >= promised_gain(game, options) ? 1.0 / trials : 0;
  }
  outcome.variance -= outcome.mean * outcome.mean;
  return outcome;
}

TEST(TwoContext, FastTrialsAreDistributedAsThoseDrawnOneByOne) {
  constexpr int kTrials = 1500;
  constexpr uint64_t kReturns = 150;
  const auto game = TwoContext::standard(3, 3, 0.25);
  for (const Estimator estimator : {Estimator::kFitted, Estimator::kRaw,
                                    Estimator::kRawCentred, Estimator::kFittedCentred}) {
    for (const ResetRule rule : {ResetRule::kRandom, ResetRule::kCreditAware}) {
      const TrialOptions options{.rule = rule,
                                 .estimator = estimator,
                                 .false_positive = 0.2,
                                 .false_negative = 0.1};
      const Outcome slow =
          outcome_of(game, options, kReturns, kTrials, draw_returns_one_by_one);
      const Outcome fast = outcome_of(game, options, kReturns, kTrials, draw_returns);
      EXPECT_NEAR(fast.mean, slow.mean, 5 * std::sqrt(2 * slow.variance / kTrials));
      EXPECT_NEAR(fast.variance / slow.variance, 1, 0.25);
      EXPECT_NEAR(fast.success, slow.success, 5 * std::sqrt(0.5 / kTrials));
    }
  }
}

TEST(TwoContext, GainOfATrialIsThatOfTheMixedPolicy) {
  const auto game = TwoContext::standard(3, 3, 0.25);
  const Mdp mdp = game.to_mdp();
  const Policy base = always(mdp.shape, 0);
  const Evaluation before = evaluate(mdp, base);
  EXPECT_NEAR(coverage(before, improvable(before, game.threshold - 1e-12)), 0.25, 1e-12);
  core::Rng rng(32, core::Purpose::kTest, 0);
  const TrialOptions options;
  const ContextReturns returns = draw_returns(game, options, 1000000, rng);
  const Trial trial = finish_trial(game, options, 1000000, returns);
  // With so many returns both contexts choose action 1.
  const Policy after = mixed(base, always(mdp.shape, 1), trial.weight);
  EXPECT_NEAR(trial.gain, evaluate(mdp, after).value - before.value, 1e-12);
}

TEST(TwoContext, LargeSamplesGiveTheGainsOfTheTheory) {
  TwoContext game{2, 3, 0.25, 0.25, 0};
  SearchOptions search;
  search.trials = 20;
  // p^2 tau^2 / (H R) and p tau^2 / (2 H R)
  EXPECT_NEAR(run_trials(game, {}, 1'000'000'000, search).mean_gain, 0.0625 * 0.0625 / 2,
              1e-5);
  EXPECT_NEAR(run_trials(game, {.rule = ResetRule::kCreditAware}, 1'000'000'000, search)
                  .mean_gain,
              0.25 * 0.0625 / 4, 1e-5);
}

TEST(TwoContext, RandomResetsNeedOneOverCoverageSquaredMoreReturns) {
  SearchOptions search;
  search.trials = 300;
  std::vector<std::pair<double, double>> random;
  std::vector<std::pair<double, double>> careful;
  for (const double p : {0.5, 0.25, 0.125, 0.0625}) {
    const auto game = TwoContext::standard(1, 2, p);
    const auto n = needed_returns(game, {}, search);
    const auto m = needed_returns(game, {.rule = ResetRule::kCreditAware}, search);
    ASSERT_TRUE(n && m);
    random.emplace_back(p, static_cast<double>(*n));
    careful.emplace_back(p, static_cast<double>(*m));
  }
  EXPECT_NEAR(*log_log_slope(random), -2, 0.2);
  EXPECT_NEAR(*log_log_slope(careful), 0, 0.15);
}

TEST(TwoContext, CentredFitsTakeTheSquareAway) {
  SearchOptions search;
  search.trials = 300;
  std::vector<std::pair<double, double>> points;
  for (const double p : {0.5, 0.25, 0.125, 0.0625}) {
    const auto n = needed_returns(TwoContext::standard(1, 4, p),
                                  {.estimator = Estimator::kFittedCentred}, search);
    ASSERT_TRUE(n.has_value());
    points.emplace_back(p, static_cast<double>(*n));
  }
  EXPECT_NEAR(*log_log_slope(points), -1, 0.2);
}

TEST(TwoContext, AnOracleThatErrsAcceptsWhatItsRatesSay) {
  const auto game = TwoContext::standard(1, 2, 0.125);
  const TrialOptions options{
      .rule = ResetRule::kCreditAware, .false_positive = 0.2, .false_negative = 0.25};
  EXPECT_DOUBLE_EQ(acceptance(game, options), 0.125 * 0.75 + 0.875 * 0.2);
  EXPECT_DOUBLE_EQ(purity(game, options), 0.09375 / 0.26875);
}

TEST(LogLogSlope, IsThePowerOfAPowerLaw) {
  EXPECT_NEAR(*log_log_slope({{1, 3}, {2, 12}, {4, 48}}), 2, 1e-12);
  EXPECT_FALSE(log_log_slope({{1, 3}}).has_value());
}

}  // namespace
}  // namespace srpo::rl::tabular
