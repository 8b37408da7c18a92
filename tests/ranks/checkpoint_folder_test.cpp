#include "ranks/checkpoint_folder.h"

#include <gtest/gtest.h>

namespace srpo::ranks {
namespace {

TEST(CheckpointFolder, ListsTheNewestFirstAndKeepsOnlySome) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "checkpoints";
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(list_checkpoints(folder).empty());
  for (const uint32_t step : {0u, 8u, 16u, 104u}) {
    std::filesystem::create_directories(folder / checkpoint_name({300, step}));
  }
  std::filesystem::create_directories(folder / "warm000300_step000200.tmp");
  const auto all = list_checkpoints(folder);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].progress, (scheduler::Progress{300, 104}));
  EXPECT_EQ(all[3].progress, (scheduler::Progress{300, 0}));
  remove_old_checkpoints(folder, 2);
  const auto kept = list_checkpoints(folder);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[1].progress.steps, 16u);
}

}  // namespace
}  // namespace srpo::ranks
