// The hazards of the published code (method §10.2), one test each: that we do not have
// them. Those that only an engine, a sandbox or a run can show are tested there:
//   2  code reward is a fraction                 verify/code_verifier_test
//   8  the end of text ends a chain              engine/chain_rules_test
//   9  a box may not be cut                      engine/chain_rules_test (it ends the
//      chain, by the method's definition, and gives no answer: verify/math_answer_test)
//   11 substrings, last words, letters           verify/text_,
//   verify/choice_verifier_test 14 masks and ends of segments rl/other_algorithms_test
//   (SpoTree) 17 localizations are recorded and counted    analysis/summary_report_test
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "records/ids.h"
#include "rl/algorithm.h"
#include "rl/localizer.h"
#include "rl/policy_loss.h"
#include "rl/training_batch.h"
#include "scheduler/draw_selection.h"
#include "storage/problem_set.h"
#include "support/scratch_folder.h"
#include "trees.h"
#include "verify/code_tests.h"
#include "verify/make_verifier.h"

namespace srpo::rl {
namespace {

std::unique_ptr<Algorithm> algorithm(const std::string& options) {
  return make_algorithm(core::ConfigTable::parse(options, "job.yaml"));
}

double reward_of(const std::string& kind, const std::string& reference,
                 const std::string& response) {
  records::Problem problem;
  problem.reference = reference;
  return verify::make_verifier(kind)->verify(problem, response).reward;
}

TEST(Hazard01, AdvantagesAndTheMaskReachTheLoss) {
  const TrainingTree tree =
      algorithm("name: srpo")->learn(reset_tree({1, 1, 1, 1}, {0, 0, 0, 1}, 6));
  const TrainingTree* trees[] = {&tree};
  const auto batch = pack_trees(trees, LossRule{}, count_divisors({&tree, 1}), {}).at(0);
  EXPECT_EQ(batch.num_rows(), 5 + 6 + 7 + 8) << "no row of the kept prefix";
  EXPECT_NEAR(batch.coefficients.front(), -0.577350 / (8 * 5), 1e-6);
  EXPECT_NEAR(batch.coefficients.back(), 1.732051 / (8 * 8), 1e-6);
}

TEST(Hazard02, RewardOfAProgramIsTheFractionOfItsTestsUnlessAskedOtherwise) {
  EXPECT_EQ(verify::parse_code_tests(R"({"tests":[{"input":"1","output":"2"}]})").reward,
            verify::CodeReward::kFraction);
}

TEST(Hazard03, TrainingAndValidationTakeDifferentPartsOfAFile) {
  const test::ScratchFolder folder;
  std::ofstream file(folder / "a.jsonl");
  for (int i = 0; i < 6; ++i)
    file << R"({"question":"q)" << i << R"(","answer":")" << i << "\"}\n";
  file.close();
  const auto train = storage::ProblemSet::load(folder / "a.jsonl", {"math", 0, 4});
  const auto held_out = storage::ProblemSet::load(folder / "a.jsonl", {"math", 4, {}});
  EXPECT_EQ(train.size() + held_out.size(), 6U);
  for (const auto& mine : train.problems()) {
    for (const auto& other : held_out.problems()) EXPECT_NE(mine.id, other.id);
  }
}

TEST(Hazard04, LaterUpdatesOfABatchCanBeCorrectedForTheirDistance) {
  for (const char* options :
       {"{name: srpo, clip: 0.2}", "{name: srpo, off_policy: truncated}"}) {
    const LossRule rule = algorithm(options)->loss_rule();
    const float coefficient = 1;
    const float sampled = -1;
    float gradient = 0;
    const float near = -1;
    compute_policy_loss(rule, {&near, 1}, {&coefficient, 1}, {&sampled, 1},
                        {&gradient, 1});
    EXPECT_NEAR(gradient, -1, 1e-6) << options;
    const float far = -2;
    compute_policy_loss(rule, {&far, 1}, {&coefficient, 1}, {&sampled, 1},
                        {&gradient, 1});
    EXPECT_NEAR(gradient, -std::exp(-1), 1e-6) << options;
  }
}

// The numbers: scheduler/draw_selection_test.
TEST(Hazard05, TheBaseGroupCanBeAFairSample) {
  const auto plan = algorithm("{name: srpo, seed_rule: any_failed}")->draw_plan();
  scheduler::DrawSelection selection(plan, false);
  for (int i = 0; selection.needed() > 0; ++i) selection.add(/*failed=*/i == 0, true);
  EXPECT_EQ(selection.uses().front(), records::Use::kBase) << "the first one failed";
}

TEST(Hazard06, NoTwoProblemsOfAStepShareAnything) {
  const records::TrajectoryId a{3, 1, records::DrawKind::kFresh, 0};
  const records::TrajectoryId b{3, 2, records::DrawKind::kFresh, 0};
  EXPECT_NE(a.key(), b.key()) << "whatever their questions are";
}

TEST(Hazard07, AFailedLocalizationSaysSo) {
  for (const char* reply : {"", "no idea", "\\boxed{99}", "\\boxed{4"})
    EXPECT_EQ(parse_localization(reply, 8).status, records::ParseStatus::kDefault)
        << reply;
  EXPECT_EQ(parse_localization("\\boxed{1}", 8).status, records::ParseStatus::kBoxed);
}

TEST(Hazard10, ABoxWithASpaceAndOtherFormsOfANumberAreReadWhereItIsAskedFor) {
  EXPECT_EQ(reward_of("math", "7", "\\boxed 7</thought>"), 0) << "the published rule";
  EXPECT_EQ(reward_of("math_equivalence", "0.5", "\\boxed{0.50}"), 1);
  EXPECT_EQ(reward_of("math_equivalence", "7", "\\boxed{7.0}"), 1);
  EXPECT_EQ(reward_of("math_equivalence", "1000", "\\boxed{1,000}"), 1);
}

TEST(Hazard12, BaselinesCanHaveTheLossOfTheMethod) {
  const auto srpo = algorithm("name: srpo");
  const auto fair = algorithm("name: grpo_srpo_loss");
  EXPECT_EQ(fair->loss_rule().weighting, srpo->loss_rule().weighting);
  EXPECT_EQ(fair->loss_rule().has_ratio(), srpo->loss_rule().has_ratio());
  EXPECT_EQ(fair->learn(fresh_tree({1, 0, 0, 0})).fresh[0].advantage,
            srpo->learn(fresh_tree({1, 0, 0, 0})).fresh[0].advantage);
}

TEST(Hazard13, SecondAttemptsAreTrainedBehindThePromptTheyWereDrawnFrom) {
  const auto tree = pairs_tree({{0, 1}});
  for (const char* options :
       {"{name: score, kl: 0}", "{name: critique_grpo, second_attempts: shown}"}) {
    const auto shown = tree.suffixes[0].prompt_tokens;
    auto pairs = pairs_tree({{0, 1}, {0, 0}});
    const auto training = algorithm(options)->learn(pairs);
    ASSERT_FALSE(training.further.empty()) << options;
    EXPECT_EQ(training.further[0].prompt_tokens, shown) << options;
  }
}

TEST(Hazard15, AFallbackKeepsItsOnlyFailureAndRewardsAreGraded) {
  const auto plan = algorithm("{name: srpo, split: 2x4}")->draw_plan();
  scheduler::DrawSelection selection(plan, false);
  for (int i = 0; selection.needed() > 0; ++i) selection.add(/*failed=*/i == 11, true);
  ASSERT_EQ(selection.uses().size(), 12U);
  EXPECT_EQ(selection.uses()[11], records::Use::kBase);
  const auto training = algorithm("{name: srpo, split: 1x8, std: none}")
                            ->learn(reset_tree({}, {0.5, 0, 0, 0, 0, 0, 0, 0}, 6));
  EXPECT_NEAR(training.suffixes[0].advantage, 0.4375, 1e-12);
}

TEST(Hazard16, EveryDrawIsAFunctionOfTheSeed) {
  const records::TrajectoryId chain{3, 7, records::DrawKind::kFresh, 2};
  EXPECT_EQ(random_thought(1, chain, 1000), random_thought(1, chain, 1000));
  EXPECT_NE(random_thought(1, chain, 1000), random_thought(2, chain, 1000));
  const auto order = [](uint64_t seed) {
    return core::shuffled_order(100, core::Rng(seed, core::Purpose::kDataOrder, 0));
  };
  EXPECT_EQ(order(0), order(0));
  EXPECT_NE(order(0), order(42));
}

TEST(Hazard18, AnOptionThatNothingReadsIsRefused) {
  const auto options =
      core::ConfigTable::parse("{name: grpo, mask_prefix: false}", "job.yaml");
  make_algorithm(options);
  EXPECT_THROW(options.refuse_unknown_keys(), core::Error);
}

TEST(Hazard19, AFloorHoldsGradedRewardsThatHardlyDifferDown) {
  const auto tree = fresh_tree({0.90909, 0.90909, 0.90909, 0.91667});
  const auto published = algorithm("name: grpo_srpo_loss")->learn(tree);
  EXPECT_NEAR(published.fresh[3].advantage, 1.732, 1e-3);
  const auto held = algorithm("{name: grpo_srpo_loss, std_floor: 0.05}")->learn(tree);
  EXPECT_LT(std::abs(held.fresh[3].advantage), 0.12);
}

TEST(Hazard20, OneThresholdSaysWhatFailsAndWhatIsRewarded) {
  const auto srpo = algorithm("{name: srpo, failed_below: 0.8, rewards: binary}");
  EXPECT_EQ(srpo->draw_plan().failed_below, 0.8);
  const auto training = srpo->learn(reset_tree({0.95, 0.7, 0.8, 0.1}, {0, 0, 0, 0}, 6));
  EXPECT_NEAR(training.fresh[0].advantage, 1, 1e-9);
  EXPECT_NEAR(training.fresh[2].advantage, 1, 1e-9);
}

TEST(Hazard21, NegativeAnswersStayInAProblemSet) {
  const test::ScratchFolder folder;
  std::ofstream(folder / "a.jsonl") << "{\"question\":\"1-4?\",\"answer\":\"-3\"}\n";
  const auto set = storage::ProblemSet::load(folder / "a.jsonl");
  EXPECT_EQ(set[0].reference, "-3");
  EXPECT_EQ(reward_of("math", "-3", "\\boxed{-3}"), 1);
}

TEST(Hazard22, EachKindOfProblemHasAVerifierOfItsOwnName) {
  EXPECT_THAT(verify::verifier_kinds(),
              testing::IsSupersetOf(
                  {"math", "choice", "yes_no", "free_text", "code", "countdown"}));
}

}  // namespace
}  // namespace srpo::rl
