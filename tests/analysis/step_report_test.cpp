#include "analysis/step_report.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "storage/step_dump.h"

namespace srpo::analysis {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path run_with_dumps() {
  const fs::path run =
      fs::path(testing::TempDir()) / ("step_report_" + std::to_string(::getpid()));
  fs::remove_all(run);
  for (const uint32_t learner : {0U, 1U}) {
    storage::StepDump dump;
    dump.step = 4;
    dump.learner = learner;
    dump.units = {"layer 0", "layer 1"};
    dump.updates = {{{1, 2}, true}};
    storage::DumpedBatch batch;
    batch.tokens = {5, 6};
    batch.positions = {0, 1};
    batch.segment_begins = {0};
    batch.segment_ends = {2};
    batch.segment_parents = {-1};
    batch.hidden_indices = {0, 1};
    batch.targets = {6, 9};
    batch.row_sequences = {0, 0};
    batch.coefficients = {0.5F, 0.5F};
    batch.sampled_logprobs = {-1.5F, std::nanf("")};
    batch.logprobs = {-1, -3};
    batch.losses = {0.5, learner == 0 ? 1.5 : std::nan("")};
    batch.sequence_trees = {static_cast<int32_t>(learner)};
    batch.sequence_numbers = {2};
    dump.batches = {batch};
    storage::write_step_dump(storage::step_dump_file(run, 4, learner), dump);
  }
  return run;
}

TEST(StepReport, ShowsLayersSequencesAndTheWorstTokens) {
  const fs::path run = run_with_dumps();
  const auto tables = step_report(run, {4, 3});
  ASSERT_EQ(tables.size(), 4U);
  EXPECT_EQ(tables[0].rows().size(), 2U);  // of one learner: all have the same
  EXPECT_EQ(tables[1].rows().size(), 2U);
  ASSERT_EQ(tables[2].rows().size(), 2U);
  EXPECT_EQ(std::get<double>(tables[2].rows()[0][6]), 2);
  EXPECT_EQ(std::get<double>(tables[2].rows()[0][7]), -2);
  EXPECT_EQ(std::get<double>(tables[2].rows()[0][9]), 0.5);
  EXPECT_EQ(std::get<uint64_t>(tables[2].rows()[1][10]), 1U);
  // What is not finite comes first.
  ASSERT_EQ(tables[3].rows().size(), 3U);
  EXPECT_TRUE(std::isnan(std::get<double>(tables[3].rows()[0][9])));
  EXPECT_EQ(std::get<double>(tables[3].rows()[1][9]), 1.5);
  EXPECT_THAT(tables[0].to_text(), HasSubstr("layer 1"));
}

TEST(StepReport, SaysThatAStepWasNotDumped) {
  EXPECT_THROW(step_report(run_with_dumps(), {5, 0}), core::Error);
  EXPECT_EQ(step_report(run_with_dumps(), {}).size(), 3U);
}

}  // namespace
}  // namespace srpo::analysis
