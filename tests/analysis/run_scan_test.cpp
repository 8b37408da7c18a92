#include "analysis/run_scan.h"

#include "support/expect_error.h"
#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;
using records::Use;

Trajectory chain(Use use, double reward, size_t tokens, uint32_t prefix = 0) {
  Trajectory chain;
  chain.use = use;
  chain.verdict.reward = reward;
  chain.verdict.kind =
      reward >= 1 ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
  chain.tokens.resize(tokens);
  chain.thought_ends = {static_cast<uint32_t>(tokens)};
  chain.prefix_length = prefix;
  chain.decoded_tokens = static_cast<uint32_t>(tokens) - prefix;
  chain.finish = records::FinishReason::kAnswer;
  return chain;
}

/// Base 1 1 0 0, a failed chain of 100 tokens, 25 of them kept, endings 1 1 1 0.
RolloutTree known_tree() {
  RolloutTree tree;
  for (const double reward : {1.0, 1.0, 0.0, 0.0})
    tree.fresh.push_back(chain(Use::kBase, reward, 40));
  tree.fresh.push_back(chain(Use::kSurplus, 1, 30));
  tree.fresh.push_back(chain(Use::kSeed, 0, 100));
  tree.prefix_length = 25;
  tree.localization.emplace().thought = 2;
  tree.localization->status = records::ParseStatus::kStepWord;
  for (const double reward : {1.0, 1.0, 1.0, 0.0})
    tree.suffixes.push_back(chain(Use::kSuffix, reward, 65, 25));
  return tree;
}

TEST(Tally, CountsWhatATreeHolds) {
  Tally tally;
  tally.add(known_tree());
  EXPECT_EQ(tally.training_trees, 1U);
  EXPECT_EQ(tally.uses, (std::array<uint64_t, 5>{4, 1, 4, 1, 0}));
  EXPECT_EQ(tally.resets(), 1U);
  EXPECT_EQ(tally.parse_statuses[1], 1U);
  EXPECT_EQ(tally.base_reward.value(), 0.5);
  EXPECT_EQ(tally.suffix_reward.value(), 0.75);
  EXPECT_EQ(tally.reset_gain.value(), 0.25);
  EXPECT_EQ(tally.kept_fraction.value(), 0.25);
  EXPECT_EQ(tally.chosen_thought.value(), 2);
  EXPECT_EQ(tally.flat_base_groups.successes, 0U);
  EXPECT_EQ(tally.sampled_length.value(), (4 * 40 + 30 + 100 + 4 * 40) / 10.0);
  EXPECT_EQ(tally.max_sampled_length, 100U);
  EXPECT_EQ(tally.decoded_tokens, 450U);
  EXPECT_EQ(tally.training_trajectories(), 10U);
}

TEST(Tally, KeepsValidationApartAndByPolicyVersion) {
  RolloutTree tree;
  tree.validation = true;
  tree.fresh.push_back(chain(Use::kValidation, 1, 10));
  tree.fresh[0].policy_version = 8;
  Tally tally;
  tally.add(tree);
  tree.fresh[0].verdict.reward = 0;
  tally.add(tree);
  EXPECT_EQ(tally.validation_trees, 2U);
  EXPECT_EQ(tally.validation.at(8).successes, 1U);
  EXPECT_EQ(tally.validation.at(8).total, 2U);
  EXPECT_EQ(tally.training_trajectories(), 0U);
  EXPECT_EQ(tally.base_reward.count(), 0U);
  EXPECT_EQ(tally.flat_base_groups.total, 0U);
}

TEST(Tally, OfAllStepsIsTheMergeOfEach) {
  const test::ScratchFolder folder;
  const std::vector<RolloutTree> trees = test::record_run(folder / "run", 4, 6, 3, 1000);
  Tally expected;
  for (const RolloutTree& tree : trees) expected.add(tree);
  const RunScan scan = scan_run(folder / "run");
  const Tally total = scan.total();
  EXPECT_EQ(scan.steps.size(), 4U);
  EXPECT_EQ(total.training_trees, 24U);
  EXPECT_EQ(total.validation_trees, 12U);
  EXPECT_EQ(total.uses, expected.uses);
  EXPECT_EQ(total.finishes, expected.finishes);
  EXPECT_EQ(total.verdicts, expected.verdicts);
  EXPECT_EQ(total.max_sampled_length, expected.max_sampled_length);
  EXPECT_EQ(total.decoded_tokens, expected.decoded_tokens);
  EXPECT_NEAR(*total.reset_gain.value(), *expected.reset_gain.value(), 1e-12);
  EXPECT_EQ(total.validation.size(), 4U);
  EXPECT_EQ(scan.num_from_journal, 36U);
}

TEST(ScanRun, TakesRunFolderOrReplayFolderAndNothingElse) {
  const test::ScratchFolder folder;
  test::record_run(folder / "run", 1, 2, 1, 2);
  EXPECT_EQ(scan_run(folder / "run").total().training_trees, 2U);
  EXPECT_EQ(scan_run(folder / "run/replay").total().training_trees, 2U);
  test::expect_error(core::ErrorKind::kBadInput, "is no run folder",
                     [&] { scan_run(folder.path()); });
  test::expect_error(core::ErrorKind::kBadInput, "/nowhere is no run folder",
                     [] { scan_run("/nowhere"); });
}

}  // namespace
}  // namespace srpo::analysis
