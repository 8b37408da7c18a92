#include "ranks/checkpoint_folder.h"

#include <gtest/gtest.h>

#include "core/files.h"

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

TEST(CheckpointFolder, KeepsTheBestByValidation) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "best_checkpoints";
  std::filesystem::remove_all(folder);
  for (const uint32_t step : {0u, 8u, 16u, 24u, 32u}) {
    std::filesystem::create_directories(folder / checkpoint_name({0, step}));
  }
  // Step 12 was measured, but has no checkpoint; step 24 was not measured.
  for (const auto& [step, score] :
       {std::pair{0u, 0.5}, {8u, 0.7}, {12u, 0.9}, {16u, 0.7}, {32u, 0.1}}) {
    record_score(folder, step, score);
  }
  remove_old_checkpoints(folder, 1, 2);
  std::vector<uint32_t> kept;
  for (const auto& one : list_checkpoints(folder)) kept.push_back(one.progress.steps);
  EXPECT_EQ(kept, (std::vector<uint32_t>{32, 16, 8}));
  // A damaged list of scores costs the best ones, not the run.
  core::write_file(folder / "scores.json", std::string("{torn"));
  remove_old_checkpoints(folder, 1, 2);
  EXPECT_EQ(list_checkpoints(folder).size(), 1u);
}

}  // namespace
}  // namespace srpo::ranks
