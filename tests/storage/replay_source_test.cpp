#include "storage/replay_source.h"

#include "core/archive.h"
#include "support/expect_error.h"
#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using records::RolloutTree;
using records::Use;

TEST(ReplaySource, GivesGoodTrajectoriesForImitation) {
  const test::ScratchFolder folder;
  size_t expected = 0;
  for (const RolloutTree& tree : test::record_run(folder / "run", 4, 5, 2, 6)) {
    if (tree.validation || tree.step == 0) continue;
    for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
      for (const auto& chain : *chains)
        expected += chain.verdict.reward == 1 && chain.use != Use::kSurplus ? 1 : 0;
    }
  }
  ReplayFilter filter;
  filter.first_step = 1;
  filter.min_reward = 1;
  filter.surplus = false;
  ReplaySource source(folder / "run", filter);
  size_t count = 0;
  while (const auto found = source.next_trajectory()) {
    ++count;
    EXPECT_EQ(found->chain.verdict.answer, found->problem.reference);
    EXPECT_FALSE(found->prompt_tokens.empty());
    EXPECT_GE(found->chain.id.step, 1U);
  }
  EXPECT_EQ(count, expected);
  EXPECT_GT(count, 10U);
  EXPECT_EQ(source.tokenizer_digest(), "feedbeef");
}

TEST(ReplaySource, RefusesAFolderThatIsNoRun) {
  test::expect_error(core::ErrorKind::kBadInput, "/tmp is no run folder",
                     [] { ReplaySource source("/tmp"); });
}

TEST(RecordedSteps, GivesTheTreesOfAStepInSlotOrderFromShardsAndJournal) {
  const test::ScratchFolder folder;
  const auto all = test::record_run(folder / "run", 5, 4, 2, 7);
  RecordedSteps recorded(folder / "run");
  EXPECT_EQ(recorded.steps(), (std::vector<uint32_t>{0, 1, 2, 3, 4}));
  for (const uint32_t step : {4U, 0U, 2U}) {
    const auto trees = recorded.of_step(step);
    ASSERT_EQ(trees.size(), 4U);
    for (uint32_t slot = 0; slot < 4; ++slot) {
      EXPECT_EQ(core::to_bytes(trees[slot]),
                core::to_bytes(test::RandomTrees(7).training(step, slot)));
    }
  }
  test::expect_error(core::ErrorKind::kBadInput, "has no training tree of step 5",
                     [&] { recorded.of_step(5); });
}

}  // namespace
}  // namespace srpo::storage
