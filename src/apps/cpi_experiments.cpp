#include "cpi_experiments.h"

#include <array>
#include <cmath>
#include <optional>

#include "analysis/statistics.h"
#include "core/error.h"
#include "rl/tabular/error_chain.h"
#include "rl/tabular/separation.h"
#include "rl/tabular/theorem_check.h"

namespace srpo::apps {
namespace {

using analysis::Cell;
using analysis::Table;
using namespace rl::tabular;

constexpr std::array kCoverages = {1.0 / 2, 1.0 / 4, 1.0 / 8, 1.0 / 16, 1.0 / 32};
constexpr std::array kRules = {ResetRule::kRandom, ResetRule::kCreditAware};

std::string name_of(ResetRule rule) {
  return rule == ResetRule::kRandom ? "random reset" : "credit-aware reset";
}

std::string share_text(double share) {
  return "1/" + std::to_string(static_cast<int>(std::lround(1 / share)));
}

PlotAxis coverage_axis() {
  PlotAxis axis{"coverage p: share of visited states that can be improved", true, {}};
  for (const double p : kCoverages) axis.ticks.emplace_back(p, share_text(p));
  return axis;
}

Cell count_cell(const std::optional<uint64_t>& count) {
  return count ? Cell(*count) : Cell();
}

Cell whole(double value) { return static_cast<uint64_t>(std::llround(value)); }

// ---- theorem: the inequalities on random decision processes -------------------------

Instance instance_of(const CpiSettings& settings, uint64_t index, double& share) {
  core::Rng rng(settings.seed, core::Purpose::kProblemMaking, index);
  share = 0.05 + 0.95 * rng.uniform();
  return random_instance(static_cast<MdpKind>(index % 3), rng);
}

struct SampledTally {
  analysis::Proportion kept;  ///< the promise, of those that were run
  uint64_t too_large = 0;
  double returns = 0;
  double draws = 0;
};

/// The algorithm with as many samples as the theorem asks for, up to 2 million.
void run_sampled(const CpiSettings& settings, uint64_t index, ResetRule rule,
                 SampledTally& tally) {
  constexpr double kMostReturns = 2e6;
  constexpr size_t kClassSize = 8;
  double share = 0;
  const Instance made = instance_of(settings, index, share);
  const Evaluation before = evaluate(made.mdp, made.policy);
  const double threshold = share * largest_advantage(before);
  const double p = coverage(before, improvable(before, threshold));
  if (threshold <= 1e-10) return;
  const double wanted =
      required_returns(rule, threshold, p, made.mdp,
                       std::log(kClassSize / settings.delta), settings.constant);
  if (wanted > kMostReturns) {
    ++tally.too_large;
    return;
  }
  core::Rng rng(settings.seed, core::Purpose::kSampling,
                2 * index + static_cast<uint64_t>(rule));
  const auto values = realisable_class(before, kClassSize, rng);
  const CpiOptions options{rule, static_cast<uint64_t>(std::ceil(wanted)), threshold};
  const CpiStep step = cpi_step(made.mdp, made.policy, values, options, rng);
  tally.kept.add(step.gain >= promised_gain(rule, threshold, p, made.mdp.shape.horizon,
                                            made.mdp.reward_limit));
  tally.returns += static_cast<double>(options.num_returns);
  tally.draws += static_cast<double>(step.num_draws);
}

Table sampled_table(const CpiSettings& settings) {
  Table table("algorithm with the theorem's number of returns",
              {"reset", "processes", "promise_kept", "low", "high", "mean_returns",
               "mean_draws", "left_out_above_2e6_returns"});
  for (const ResetRule rule : kRules) {
    SampledTally tally;
    for (uint64_t i = 0; i < settings.sampled; ++i) {
      run_sampled(settings, i, rule, tally);
      settings.progress(settings.processes + i, settings.processes + settings.sampled);
    }
    const auto interval = tally.kept.interval();
    const double n = std::max<double>(1, static_cast<double>(tally.kept.total));
    table.add_row({name_of(rule), tally.kept.total, analysis::cell(tally.kept.share()),
                   interval.low, interval.high, whole(tally.returns / n),
                   whole(tally.draws / n), tally.too_large});
  }
  return table;
}

CpiResult run_theorem(const CpiSettings& settings) {
  std::array<uint64_t, kNumInequalities> broken{};
  std::array<double, kNumInequalities> tightest{};
  std::vector<double> ratios_random;
  std::vector<double> ratios_credit;
  for (uint64_t i = 0; i < settings.processes; ++i) {
    double share = 0;
    const Instance made = instance_of(settings, i, share);
    made.mdp.check();
    const TheoremCheck check = check_theorem(made.mdp, made.policy, share);
    for (size_t k = 0; k < kNumInequalities; ++k) {
      broken[k] += check.checks[k].holds ? 0 : 1;
      tightest[k] = std::max(tightest[k], check.checks[k].ratio);
    }
    ratios_random.push_back(check.of(Inequality::kTheoremRandom).ratio);
    ratios_credit.push_back(check.of(Inequality::kTheoremCredit).ratio);
    if (i % 64 == 0) settings.progress(i, settings.processes + settings.sampled);
  }
  CpiResult result;
  Table table("inequalities on random decision processes",
              {"inequality", "processes", "violated", "largest_bound_over_value"});
  for (size_t k = 0; k < kNumInequalities; ++k) {
    const auto inequality = static_cast<Inequality>(k);
    const bool is_identity =
        inequality == Inequality::kDifference || inequality == Inequality::kDecomposition;
    table.add_row({name_of(inequality), uint64_t{settings.processes}, broken[k],
                   is_identity ? Cell() : Cell(tightest[k])});
    result.holds = result.holds && broken[k] == 0;
  }
  result.tables.push_back(std::move(table));
  if (settings.sampled > 0) result.tables.push_back(sampled_table(settings));
  result.plot = {"How far the promise stays below the gain",
                 {"promised gain / exact gain (1: the bound is tight)", false, {}},
                 {"share of random processes below", false, {}},
                 {}};
  for (auto* ratios : {&ratios_random, &ratios_credit}) {
    std::sort(ratios->begin(), ratios->end());
    const bool is_random = ratios == &ratios_random;
    PlotLine line{
        is_random ? "random reset" : "credit-aware reset", false, {}, is_random ? 1 : 0};
    for (size_t i = 0; i <= 100; ++i) {
      const size_t at = std::min(ratios->size() - 1, i * ratios->size() / 100);
      line.points.emplace_back((*ratios)[at], static_cast<double>(i) / 100);
    }
    result.plot.lines.push_back(std::move(line));
  }
  return result;
}

// ---- separation: returns needed against coverage ------------------------------------

using Points = std::vector<std::pair<double, double>>;

CpiResult run_separation(const CpiSettings& settings) {
  struct Setting {
    size_t horizon;
    size_t actions;
  };
  constexpr std::array<Setting, 4> kSettings = {{{1, 2}, {1, 4}, {4, 2}, {4, 4}}};
  CpiResult result;
  Table needed("returns needed for 90 % success",
               {"H", "K", "reset", "p", "returns", "context_draws", "mean_gain_x1000",
                "promised_x1000", "estimate_not_positive_at_credit_aware_n"});
  Table slopes("slope of log returns over log p",
               {"H", "K", "reset", "returns", "context_draws"});
  result.plot = {"Returns needed before a step is as good as promised",
                 coverage_axis(),
                 {"Q-rollouts (90 % of trials succeed)", true, {}},
                 {}};
  uint32_t experiment = 0;
  for (const auto& [horizon, actions] : kSettings) {
    std::array<Points, 2> returns;
    std::array<Points, 2> draws;
    for (const double p : kCoverages) {
      const auto game = TwoContext::standard(horizon, actions, p);
      std::array<std::optional<uint64_t>, 2> n;
      SearchOptions search{settings.trials, 0.9, settings.seed, 0};
      for (size_t rule = 0; rule < 2; ++rule) {
        search.experiment = experiment++;
        n[rule] = needed_returns(game, {.rule = kRules[rule]}, search);
      }
      for (size_t rule = 0; rule < 2; ++rule) {
        const TrialOptions options{.rule = kRules[rule]};
        if (!n[rule]) continue;
        const auto count = static_cast<double>(*n[rule]);
        const double looked_at = count / acceptance(game, options);
        const TrialSummary here = run_trials(game, options, *n[rule], search);
        std::optional<double> fails;
        if (n[1]) fails = run_trials(game, options, *n[1], search).not_positive;
        needed.add_row({uint64_t{horizon}, uint64_t{actions}, name_of(kRules[rule]),
                        share_text(p), count_cell(n[rule]), whole(looked_at),
                        1000 * here.mean_gain, 1000 * promised_gain(game, options),
                        analysis::cell(fails)});
        returns[rule].insert(returns[rule].begin(), {p, count});
        draws[rule].insert(draws[rule].begin(), {p, looked_at});
      }
      settings.progress(experiment, 40);
    }
    for (size_t rule = 0; rule < 2; ++rule) {
      slopes.add_row({uint64_t{horizon}, uint64_t{actions}, name_of(kRules[rule]),
                      analysis::cell(log_log_slope(returns[rule])),
                      analysis::cell(log_log_slope(draws[rule]))});
      if (actions != 4) continue;
      const std::string name =
          (rule == 0 ? "random, H=" : "credit-aware, H=") + std::to_string(horizon);
      result.plot.lines.push_back({name, horizon == 4, returns[rule], rule == 0 ? 1 : 0});
    }
  }
  result.tables = {std::move(needed), std::move(slopes)};
  return result;
}

// ---- controls: the estimator decides --------------------------------------------------

CpiResult run_controls(const CpiSettings& settings) {
  struct Control {
    const char* name;
    Estimator estimator;
    bool knows_elsewhere;
  };
  constexpr std::array<Control, 5> kControls = {
      {{"fitted (the paper's)", Estimator::kFitted, false},
       {"raw returns", Estimator::kRaw, false},
       {"raw returns, centred", Estimator::kRawCentred, false},
       {"fitted, centred", Estimator::kFittedCentred, false},
       {"fitted, no change at N", Estimator::kFitted, true}}};
  CpiResult result;
  Table table("returns needed by random resets, by estimator",
              {"estimator", "p=1/2", "p=1/4", "p=1/8", "p=1/16", "p=1/32", "slope"});
  result.plot = {"Random resets: what the estimator does",
                 coverage_axis(),
                 {"Q-rollouts, or context draws where dashed", true, {}},
                 {}};
  const SearchOptions base{settings.trials, 0.9, settings.seed, 0};
  uint32_t experiment = 100;
  Points credit_draws;
  for (const Control& control : kControls) {
    std::vector<Cell> row = {std::string(control.name)};
    Points points;
    for (const double p : kCoverages) {
      auto game = TwoContext::standard(settings.horizon, settings.actions, p);
      if (control.knows_elsewhere) game.elsewhere = 0;
      SearchOptions search = base;
      search.experiment = experiment++;
      TrialOptions options{.estimator = control.estimator,
                           .knows_elsewhere = control.knows_elsewhere};
      const auto n = needed_returns(game, options, search);
      row.push_back(count_cell(n));
      if (n) points.insert(points.begin(), {p, static_cast<double>(*n)});
      settings.progress(experiment - 100, 25);
    }
    row.push_back(analysis::cell(log_log_slope(points)));
    table.add_row(std::move(row));
    result.plot.lines.push_back({control.name, false, std::move(points), -1});
  }
  std::vector<Cell> row = {std::string("credit-aware: context draws")};
  for (const double p : kCoverages) {
    const auto game = TwoContext::standard(settings.horizon, settings.actions, p);
    const TrialOptions options{.rule = ResetRule::kCreditAware};
    SearchOptions search = base;
    search.experiment = experiment++;
    const auto n = needed_returns(game, options, search);
    const double draws = n ? static_cast<double>(*n) / acceptance(game, options) : 0;
    row.push_back(n ? whole(draws) : Cell());
    if (n) credit_draws.insert(credit_draws.begin(), {p, draws});
  }
  row.push_back(analysis::cell(log_log_slope(credit_draws)));
  table.add_row(std::move(row));
  result.plot.lines.push_back({"credit-aware: draws", true, std::move(credit_draws), -1});
  result.tables = {std::move(table)};
  return result;
}

// ---- horizon
// ---------------------------------------------------------------------------

CpiResult run_horizon(const CpiSettings& settings) {
  constexpr std::array<uint64_t, 6> kHorizons = {1, 2, 4, 8, 16, 32};
  CpiResult result;
  Table table("returns needed by horizon",
              {"H", "random_reset", "credit_aware_reset", "ratio",
               "mean_gain_random_x1000", "mean_gain_credit_aware_x1000"});
  result.plot = {"Returns needed by horizon, p = " + share_text(settings.coverage),
                 {"horizon H", true, {}},
                 {"Q-rollouts (90 % of trials succeed)", true, {}},
                 {}};
  for (const uint64_t h : kHorizons)
    result.plot.x.ticks.emplace_back(h, std::to_string(h));
  std::array<Points, 2> points;
  uint32_t experiment = 200;
  for (const uint64_t horizon : kHorizons) {
    const auto game = TwoContext::standard(horizon, settings.actions, settings.coverage);
    std::array<std::optional<uint64_t>, 2> n;
    std::array<double, 2> gains{};
    for (size_t rule = 0; rule < 2; ++rule) {
      const SearchOptions search{settings.trials, 0.9, settings.seed, experiment++};
      const TrialOptions options{.rule = kRules[rule]};
      n[rule] = needed_returns(game, options, search);
      if (!n[rule]) continue;
      points[rule].emplace_back(static_cast<double>(horizon),
                                static_cast<double>(*n[rule]));
      gains[rule] = run_trials(game, options, *n[rule], search).mean_gain;
    }
    const Cell ratio = n[0] && n[1]
                           ? Cell(static_cast<double>(*n[0]) / static_cast<double>(*n[1]))
                           : Cell();
    table.add_row({horizon, count_cell(n[0]), count_cell(n[1]), ratio, 1000 * gains[0],
                   1000 * gains[1]});
    settings.progress(experiment - 200, 2 * kHorizons.size());
  }
  Table slopes("slope of log returns over log H", {"reset", "slope"});
  for (size_t rule = 0; rule < 2; ++rule) {
    slopes.add_row({name_of(kRules[rule]), analysis::cell(log_log_slope(points[rule]))});
    result.plot.lines.push_back(
        {name_of(kRules[rule]), false, points[rule], rule == 0 ? 1 : 0});
  }
  result.tables = {std::move(table), std::move(slopes)};
  return result;
}

// ---- localization: an oracle that errs
// ---------------------------------------------------

CpiResult run_localization(const CpiSettings& settings) {
  constexpr std::array kFalsePositives = {0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0};
  constexpr std::array kFalseNegatives = {0.0, 0.25, 0.5};
  CpiResult result;
  Table table("credit-aware resets with an oracle that errs",
              {"false_negative", "false_positive", "accepted_that_are_G", "returns",
               "gain_at_large_n_x1000", "share_of_perfect", "random_reset_gain_x1000"});
  result.plot = {"What a wrong localisation costs, p = " + share_text(settings.coverage),
                 {"chance that a state without anything to gain is accepted", false, {}},
                 {"gain of a step over a perfect oracle's", false, {}},
                 {}};
  constexpr uint64_t kMany = 100'000'000;
  const auto game =
      TwoContext::standard(settings.horizon, settings.actions, settings.coverage);
  const SearchOptions base{settings.trials, 0.9, settings.seed, 299};
  SearchOptions few = base;
  few.trials = std::min(settings.trials, 100u);
  const double random_gain = run_trials(game, {}, kMany, few).mean_gain;
  const double perfect =
      run_trials(game, {.rule = ResetRule::kCreditAware}, kMany, few).mean_gain;
  uint32_t experiment = 300;
  for (const double g : kFalseNegatives) {
    Points points;
    for (const double f : kFalsePositives) {
      const TrialOptions options{
          .rule = ResetRule::kCreditAware, .false_positive = f, .false_negative = g};
      SearchOptions search = base;
      search.experiment = experiment++;
      const double gain = run_trials(game, options, kMany, few).mean_gain;
      const bool reaches = gain >= promised_gain(game, options);
      table.add_row({g, f, purity(game, options),
                     reaches ? count_cell(needed_returns(game, options, search)) : Cell(),
                     1000 * gain, gain / perfect, 1000 * random_gain});
      points.emplace_back(f, gain / perfect);
      settings.progress(experiment - 300, 24);
    }
    result.plot.lines.push_back(
        {"misses " + std::to_string(static_cast<int>(100 * g)) + " % of G", false,
         std::move(points), -1});
  }
  const double promise = promised_gain(game, {.rule = ResetRule::kCreditAware});
  result.plot.lines.push_back({"what the theorem promises",
                               true,
                               {{0, promise / perfect}, {1, promise / perfect}},
                               4});
  result.plot.lines.push_back({"random reset",
                               true,
                               {{0, random_gain / perfect}, {1, random_gain / perfect}},
                               5});
  result.tables = {std::move(table)};
  return result;
}

// ---- chain: one wrong thought spoils the rest
// ----------------------------------------------

CpiResult run_chain(const CpiSettings& settings) {
  constexpr std::array<size_t, 6> kLengths = {2, 5, 10, 20, 40, 80};
  constexpr size_t kGroup = 4;
  struct Way {
    const char* name;
    ChainReset reset;
    double hit_rate;
  };
  constexpr std::array<Way, 6> kWays = {
      {{"fresh", ChainReset::kFresh, 0},
       {"random thought", ChainReset::kRandom, 0},
       {"first wrong thought", ChainReset::kFirstError, 0},
       {"50 % hits, else random", ChainReset::kHitOrMiss, 0.5},
       {"15 % hits, else random", ChainReset::kHitOrMiss, 0.15},
       {"as measured of a 7B model", ChainReset::kMeasured, 0}}};
  CpiResult result;
  Table table("endings after a failed chain",
              {"thoughts", "reset", "success", "clean", "kept", "mixed_groups",
               "thoughts_drawn", "mixed_groups_per_100_thoughts"});
  result.plot = {"Groups of four that teach something, for equal work",
                 {"thoughts in a chain", true, {}},
                 {"mixed groups per 100 thoughts drawn", true, {}},
                 {}};
  for (const size_t n : kLengths)
    result.plot.x.ticks.emplace_back(static_cast<double>(n), std::to_string(n));
  for (const Way& way : kWays) {
    Points points;
    for (const size_t n : kLengths) {
      const ErrorChain chain{n, settings.error};
      const ChainOutcome outcome = chain_outcome(chain, way.reset, way.hit_rate, kGroup);
      const double per_work = 100 * outcome.mixed / (kGroup * outcome.thoughts);
      table.add_row({uint64_t{n}, std::string(way.name), outcome.success, outcome.clean,
                     outcome.kept, outcome.mixed, outcome.thoughts, per_work});
      points.emplace_back(static_cast<double>(n), per_work);
    }
    result.plot.lines.push_back({way.name, false, std::move(points), -1});
  }
  result.tables = {std::move(table)};
  return result;
}

// ---- iterations: step after step
// ------------------------------------------------------------

CpiResult run_iterations(const CpiSettings& settings) {
  const auto game =
      TwoContext::standard(settings.horizon, settings.actions, settings.coverage);
  const Mdp mdp = game.to_mdp();
  CpiResult result;
  Table table("value after each exact step",
              {"iteration", "random_reset", "credit_aware_reset", "best"});
  result.plot = {"Exact steps one after another, p = " + share_text(settings.coverage),
                 {"iteration", false, {}},
                 {"expected reward of an episode", false, {}},
                 {{"random reset", false, {}, 1},
                  {"credit-aware reset", false, {}, 0},
                  {"best there is", true, {}, 4}}};
  const double best = evaluate(mdp, always(mdp.shape, 1)).value;
  std::array<Policy, 2> policies = {always(mdp.shape, 0), always(mdp.shape, 0)};
  for (uint32_t i = 0; i <= settings.iterations; ++i) {
    std::array<double, 2> values{};
    for (size_t rule = 0; rule < 2; ++rule) {
      const Evaluation now = evaluate(mdp, policies[rule]);
      values[rule] = now.value;
      result.plot.lines[rule].points.emplace_back(i, now.value);
      const double threshold = largest_advantage(now) / 2;
      if (threshold <= 1e-12) continue;
      policies[rule] =
          exact_cpi_step(mdp, policies[rule], kRules[rule], threshold).policy;
    }
    result.plot.lines[2].points.emplace_back(i, best);
    if (i % std::max(1u, settings.iterations / 20) == 0)
      table.add_row({uint64_t{i}, values[0], values[1], best});
    settings.progress(i, settings.iterations);
  }
  result.tables = {std::move(table)};
  return result;
}

}  // namespace

const std::vector<CpiExperiment>& cpi_experiments() {
  static const std::vector<CpiExperiment> kExperiments = {
      {"theorem", "the theory's inequalities on random decision processes", run_theorem},
      {"separation", "returns needed by random and credit-aware resets, by coverage",
       run_separation},
      {"controls", "the same with other estimators of the advantage", run_controls},
      {"horizon", "returns needed by horizon", run_horizon},
      {"localization", "credit-aware resets with an oracle that errs", run_localization},
      {"chain", "endings of a chain that one wrong thought spoils", run_chain},
      {"iterations", "exact steps one after another", run_iterations}};
  return kExperiments;
}

}  // namespace srpo::apps
