#include "scheduler/draw_selection.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <gtest/gtest.h>

namespace srpo::scheduler {
namespace {

using records::DrawPlan;
using records::Use;

/// Whether the chain of this launch number fails.
using Fails = std::function<bool(uint32_t)>;

std::vector<Use> select(const DrawPlan& plan, const Fails& fails) {
  DrawSelection selection(plan, /*validation=*/false);
  for (uint32_t i = 0; selection.needed() > 0; ++i) {
    EXPECT_LE(selection.needed() + selection.uses().size(),
              plan.max_draws + plan.fallback_group);
    selection.add(fails(i), /*has_thoughts=*/true);
  }
  return selection.uses();
}

/// The pseudo code of method §2.2, word for word.
std::vector<Use> reference_1x4(const DrawPlan& plan, const Fails& fails) {
  std::vector<Use> uses;
  uint32_t base = 0;
  bool seed = false;
  while ((base < 4 || !seed) && uses.size() < plan.max_draws) {
    if (!seed && fails(static_cast<uint32_t>(uses.size()))) {
      seed = true;
      uses.push_back(Use::kSeed);
    } else if (base < 4) {
      ++base;
      uses.push_back(Use::kBase);
    } else {
      uses.push_back(Use::kSurplus);
    }
  }
  if (!seed) {
    for (; base < 8; ++base) uses.push_back(Use::kBase);
  }
  return uses;
}

/// Method §2.3, but for its edge bug: what has failed comes first into the group, and is
/// not cut off behind eight that have not.
std::vector<Use> reference_without_base(const DrawPlan& plan, const Fails& fails) {
  std::vector<uint32_t> right;
  std::vector<uint32_t> wrong;
  uint32_t draws = 0;
  for (; wrong.size() < plan.seeds && draws < plan.max_draws; ++draws)
    (fails(draws) ? wrong : right).push_back(draws);
  std::vector<Use> uses(draws, Use::kSurplus);
  if (wrong.size() == plan.seeds) {
    for (const uint32_t seed : wrong) uses[seed] = Use::kSeed;
    return uses;
  }
  std::vector<uint32_t> kept = wrong;
  kept.insert(kept.end(), right.begin(), right.end());
  for (; kept.size() < plan.fallback_group; ++draws) {
    kept.push_back(draws);
    uses.push_back(Use::kSurplus);
  }
  for (uint32_t i = 0; i < plan.fallback_group; ++i) uses[kept[i]] = Use::kBase;
  return uses;
}

TEST(DrawSelection, IsTheMethodsRuleForEveryPatternOfOutcomesInEverySplit) {
  for (const char* split : {"1x4", "1x8", "2x4"}) {
    for (const uint32_t max_draws : {6U, 12U}) {
      DrawPlan plan = *DrawPlan::of_split(split);
      plan.max_draws = max_draws;
      for (uint32_t pattern = 0; pattern < (1U << max_draws); ++pattern) {
        const Fails fails = [&](uint32_t i) { return i < 32 && ((pattern >> i) & 1); };
        const auto expected = plan.base_group > 0 ? reference_1x4(plan, fails)
                                                  : reference_without_base(plan, fails);
        ASSERT_EQ(select(plan, fails), expected)
            << split << " pattern " << pattern << " of " << max_draws;
      }
    }
  }
}

/// Over all patterns of outcomes, each weighed by its probability.
double expected_failures_in_base(const DrawPlan& plan, double failure_rate) {
  double sum = 0;
  for (uint32_t pattern = 0; pattern < (1U << plan.max_draws); ++pattern) {
    const Fails fails = [&](uint32_t i) { return i < 32 && ((pattern >> i) & 1); };
    double weight = 1;
    for (uint32_t i = 0; i < plan.max_draws; ++i)
      weight *= fails(i) ? failure_rate : 1 - failure_rate;
    const std::vector<Use> uses = select(plan, fails);
    uint32_t base = 0;
    for (uint32_t i = 0; i < uses.size() && base < plan.base_group; ++i) {
      if (uses[i] != Use::kBase) continue;
      ++base;
      sum += fails(i) ? weight : 0;
    }
  }
  return sum;
}

// Method §2.5 and hazard 5.
TEST(DrawSelection, LeavesTheBaseGroupAFairSampleWhenASeedMayBeInIt) {
  DrawPlan plan;
  const double p = 0.25;
  const double q = 1 - p;
  EXPECT_NEAR(expected_failures_in_base(plan, p), 5 * p - (1 - std::pow(q, 5)), 1e-12);
  plan.seed_rule = records::SeedRule::kAnyFailed;
  EXPECT_NEAR(expected_failures_in_base(plan, p), 4 * p, 1e-12);
}

TEST(DrawSelection, TakesASeedFromTheBaseGroupWithoutAFurtherDraw) {
  DrawPlan plan;
  plan.seed_rule = records::SeedRule::kAnyFailed;
  DrawSelection selection(plan, false);
  for (int i = 0; i < 4; ++i) selection.add(/*failed=*/i >= 2, true);
  EXPECT_EQ(selection.needed(), 0U);
  EXPECT_TRUE(selection.resets());
  EXPECT_EQ(selection.seeds(), (std::vector<uint32_t>{2}));
  EXPECT_EQ(selection.uses(), std::vector<Use>(4, Use::kBase));
}

TEST(DrawSelection, MakesEveryChainASeedWhereThePlanSaysSo) {
  DrawPlan plan;
  plan.seeds = 4;
  plan.max_draws = 4;
  plan.seed_rule = records::SeedRule::kEveryChain;
  DrawSelection selection(plan, false);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(selection.needed(), static_cast<uint32_t>(4 - i));
    selection.add(/*failed=*/i == 1, /*has_thoughts=*/i != 2);
  }
  EXPECT_TRUE(selection.resets());
  EXPECT_EQ(selection.seeds(), (std::vector<uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(selection.uses(), std::vector<Use>(4, Use::kBase));
}

TEST(DrawSelection, KeepsAChainWithoutThoughtsThatFailsInTheGroup) {
  const DrawPlan plan;
  DrawSelection selection(plan, false);
  selection.add(/*failed=*/true, /*has_thoughts=*/false);
  EXPECT_EQ(selection.uses().front(), Use::kBase);
  EXPECT_TRUE(selection.seeds().empty());
}

TEST(DrawSelection, SpeculatesOnlyWhileItLooksForAFailure) {
  const DrawPlan plan;
  DrawSelection selection(plan, false);
  EXPECT_EQ(selection.needed(), 5u);
  EXPECT_EQ(selection.speculative(), 0u);
  for (int i = 0; i < 5; ++i) selection.add(false, true);
  EXPECT_EQ(selection.needed(), 1u);
  EXPECT_EQ(selection.speculative(), 3u);
  for (int i = 0; i < 5; ++i) selection.add(false, true);
  EXPECT_EQ(selection.speculative(), 1u);  // max_draws is near
  selection.add(true, true);
  EXPECT_EQ(selection.needed(), 0u);
  EXPECT_TRUE(selection.resets());
}

TEST(DrawSelection, NamesNoUnknownSplit) {
  EXPECT_FALSE(DrawPlan::of_split("3x3").has_value());
}

}  // namespace
}  // namespace srpo::scheduler
