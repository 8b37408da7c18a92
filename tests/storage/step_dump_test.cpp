#include "storage/step_dump.h"

#include <cmath>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"

namespace srpo::storage {
namespace {

namespace fs = std::filesystem;

StepDump small_dump() {
  StepDump dump;
  dump.step = 7;
  dump.learner = 1;
  dump.units = {"embeddings and head", "layer 0"};
  DumpedBatch batch;
  batch.tokens = {5, 6, 7};
  batch.positions = {0, 1, 1};
  batch.segment_begins = {0, 1, 2};
  batch.segment_ends = {1, 2, 3};
  batch.segment_parents = {-1, 0, 0};
  batch.hidden_indices = {0, 1, 2};
  batch.targets = {6, 1, 2};
  batch.row_sequences = {0, 0, 1};
  batch.coefficients = {0.5F, 0.5F, -1};
  batch.sampled_logprobs = {-1, std::nanf(""), -2};
  batch.logprobs = {-1.25F, -3, -2};
  batch.losses = {0.625, 1.5, -2};
  batch.sequence_trees = {3, 3};
  batch.sequence_numbers = {0, 4};
  dump.batches = {batch, batch, {}};  // a rank without work has an empty one
  dump.batches[1].update = 1;
  dump.updates = {{{1.5, 2.5}, true}, {{INFINITY, 1}, false}};
  return dump;
}

fs::path fresh_folder(const std::string& name) {
  const fs::path folder =
      fs::path(testing::TempDir()) / (name + "_" + std::to_string(::getpid()));
  fs::remove_all(folder);
  return folder;
}

TEST(StepDump, ComesBackAsItWas) {
  const fs::path run = fresh_folder("step_dump");
  const StepDump dump = small_dump();
  const fs::path path = step_dump_file(run, dump.step, dump.learner);
  write_step_dump(path, dump);
  ASSERT_EQ(list_step_dumps(run), std::vector<fs::path>{path});
  const StepDump back = read_step_dump(path);
  EXPECT_EQ(back.step, 7U);
  EXPECT_EQ(back.learner, 1U);
  EXPECT_EQ(back.units, dump.units);
  ASSERT_EQ(back.batches.size(), 3U);
  EXPECT_EQ(back.batches[1].update, 1U);
  EXPECT_EQ(back.batches[0].tokens, dump.batches[0].tokens);
  EXPECT_EQ(back.batches[0].segment_parents, dump.batches[0].segment_parents);
  EXPECT_EQ(back.batches[0].losses, dump.batches[0].losses);
  EXPECT_TRUE(std::isnan(back.batches[0].sampled_logprobs[1]));
  EXPECT_TRUE(back.batches[2].tokens.empty());
  ASSERT_EQ(back.updates.size(), 2U);
  EXPECT_EQ(back.updates[1].norms[0], INFINITY);
  EXPECT_FALSE(back.updates[1].is_applied);
}

TEST(StepDump, RefusesWhatIsDamagedOrDoesNotFitTogether) {
  const fs::path run = fresh_folder("step_dump_damaged");
  const fs::path path = step_dump_file(run, 1, 0);
  StepDump dump = small_dump();
  dump.batches[0].row_sequences[0] = 9;
  write_step_dump(path, dump);
  EXPECT_THROW(read_step_dump(path), core::Error);
  dump = small_dump();
  dump.batches[0].losses.pop_back();
  write_step_dump(path, dump);
  EXPECT_THROW(read_step_dump(path), core::Error);
  write_step_dump(path, small_dump());
  std::string content = core::read_file(path);
  content.resize(content.size() / 2);
  core::write_file(path, content);
  EXPECT_THROW(read_step_dump(path), core::Error);
  EXPECT_TRUE(list_step_dumps(run / "nowhere").empty());
}

}  // namespace
}  // namespace srpo::storage
