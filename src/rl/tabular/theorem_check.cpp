#include "rl/tabular/theorem_check.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace srpo::rl::tabular {
namespace {

constexpr double kRounding = 1e-10;
constexpr std::array kWeights = {0.001, 0.003, 0.01, 0.03, 0.1,
                                 0.2,   0.35,  0.5,  0.75, 1.0};

/// What all inequalities speak of.
struct Situation {
  const Mdp& mdp;
  const Policy& policy;
  Evaluation before;
  Policy better;
  Membership members;
  Policy better_on_members;
  double coverage = 0;
  double advantage = 0;         // of better
  double member_advantage = 0;  // of better, given members
};

class Ledger {
 public:
  explicit Ledger(TheoremCheck& check) : check_(check) {}

  void at_least(Inequality inequality, double left, double right) {
    InequalityCheck& entry = check_.checks[static_cast<size_t>(inequality)];
    if (left < right - kRounding) entry.holds = false;
    if (left > kRounding) entry.ratio = std::max(entry.ratio, right / left);
  }
  void equal(Inequality inequality, double left, double right) {
    if (std::abs(left - right) > kRounding)
      check_.checks[static_cast<size_t>(inequality)].holds = false;
  }

 private:
  TheoremCheck& check_;
};

/// The sum over steps of E[A], states visited by `after`, actions of `other`.
double advantage_along(const Situation& now, const Evaluation& after,
                       const Policy& other) {
  Evaluation crossed = now.before;
  crossed.visits = after.visits;
  return policy_advantage(crossed, other) * static_cast<double>(now.mdp.shape.horizon);
}

void check_mixtures(const Situation& now, Ledger& ledger) {
  const auto horizon = static_cast<double>(now.mdp.shape.horizon);
  const double limit = now.mdp.reward_limit;
  const double cubed = horizon * horizon * horizon * limit;
  for (const double weight : kWeights) {
    const Policy everywhere = mixed(now.policy, now.better, weight);
    const Evaluation after = evaluate(now.mdp, everywhere);
    const double gain = after.value - now.before.value;
    ledger.equal(Inequality::kDifference, gain, advantage_along(now, after, everywhere));
    ledger.at_least(Inequality::kConservative, gain,
                    weight * horizon * now.advantage - weight * weight * cubed / 2);
    const Evaluation careful =
        evaluate(now.mdp, mixed(now.policy, now.better_on_members, weight));
    ledger.at_least(Inequality::kCreditAware, careful.value - now.before.value,
                    weight * horizon * now.coverage * now.member_advantage -
                        weight * weight * cubed * now.coverage);
    // Turned round: the distance is the smaller side.
    ledger.at_least(Inequality::kSimulation, weight * horizon * horizon * now.coverage,
                    total_visit_distance(now.before, careful));
  }
}

void check_advantages(const Situation& now, double threshold, Ledger& ledger) {
  const double rest =
      conditional_advantage(now.before, now.better, complement(now.members));
  ledger.equal(Inequality::kDecomposition, now.advantage,
               now.coverage * now.member_advantage + (1 - now.coverage) * rest);
  ledger.at_least(Inequality::kCoverage,
                  policy_advantage(now.before, now.better_on_members),
                  threshold * now.coverage);
}

}  // namespace

std::string name_of(Inequality inequality) {
  static constexpr std::array<const char*, kNumInequalities> kNames = {
      "performance difference",
      "decomposition",
      "coverage",
      "simulation",
      "conservative",
      "credit-aware",
      "theorem, random reset",
      "theorem, credit-aware reset"};
  return kNames[static_cast<size_t>(inequality)];
}

bool TheoremCheck::holds() const {
  return std::all_of(checks.begin(), checks.end(),
                     [](const InequalityCheck& check) { return check.holds; });
}

TheoremCheck check_theorem(const Mdp& mdp, const Policy& policy, double threshold_share) {
  REQUIRE(threshold_share > 0 && threshold_share <= 1, kBadInput,
          "threshold share " << threshold_share << " (expected above 0, at most 1)");
  TheoremCheck result;
  Situation now{mdp, policy, evaluate(mdp, policy), policy, {}, policy};
  const double largest = largest_advantage(now.before);
  if (largest <= kRounding) return result;
  result.threshold = threshold_share * largest;
  now.better = greedy(now.before.action_values);
  now.members = improvable(now.before, result.threshold);
  now.better_on_members = combined(now.better, policy, now.members);
  now.coverage = result.coverage = coverage(now.before, now.members);
  now.advantage = policy_advantage(now.before, now.better);
  now.member_advantage = conditional_advantage(now.before, now.better, now.members);
  Ledger ledger(result);
  check_advantages(now, result.threshold, ledger);
  check_mixtures(now, ledger);
  const size_t horizon = mdp.shape.horizon;
  result.gain_random =
      exact_cpi_step(mdp, policy, ResetRule::kRandom, result.threshold).gain;
  result.gain_credit =
      exact_cpi_step(mdp, policy, ResetRule::kCreditAware, result.threshold).gain;
  const double by_advantage = now.advantage * now.advantage /
                              (8 * static_cast<double>(horizon) * mdp.reward_limit);
  ledger.at_least(Inequality::kTheoremRandom, result.gain_random, by_advantage);
  ledger.at_least(Inequality::kTheoremRandom, by_advantage,
                  promised_gain(ResetRule::kRandom, result.threshold, now.coverage,
                                horizon, mdp.reward_limit));
  ledger.at_least(Inequality::kTheoremCredit, result.gain_credit,
                  promised_gain(ResetRule::kCreditAware, result.threshold, now.coverage,
                                horizon, mdp.reward_limit));
  return result;
}

}  // namespace srpo::rl::tabular
