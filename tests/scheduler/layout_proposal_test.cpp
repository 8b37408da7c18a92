#include "scheduler/layout_proposal.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "scheduler/scheduler_benchmark.h"

namespace srpo::scheduler {
namespace {

SimulationConfig job() {
  SimulationConfig config;
  config.problems_per_step = 32;
  config.seed = 1;
  return config;
}

TEST(LayoutProposal, UsesAllRanksAndBeginsWithTheFastestLayout) {
  const auto layouts = propose_layout(job(), 16);
  ASSERT_GT(layouts.size(), 5u);
  for (size_t i = 0; i < layouts.size(); ++i) {
    const LayoutEstimate& each = layouts[i];
    EXPECT_EQ(each.generators + each.localizers + each.verifiers + each.learners, 15u);
    EXPECT_GT(each.step_seconds, 0);
    if (i > 0) {
      EXPECT_LE(layouts[i - 1].step_seconds, each.step_seconds);
    }
  }
  const LayoutEstimate again = simulate_layout(job(), layouts[0]);
  EXPECT_EQ(again.step_seconds, layouts[0].step_seconds) << "deterministic";
}

TEST(LayoutProposal, GivesSlowVerifiersMoreRanks) {
  const LayoutEstimate usual = propose_layout(job(), 16).front();
  SimulationConfig slow = job();
  slow.model.verifier_seconds = 5;
  const LayoutEstimate more = propose_layout(slow, 16).front();
  EXPECT_GT(more.verifiers, usual.verifiers);
}

TEST(LayoutProposal, PrintsAlignedRows) {
  const auto lines = table_of(propose_layout(job(), 6));
  ASSERT_GE(lines.size(), 2u);
  for (const std::string& line : lines) EXPECT_EQ(line.size(), lines[0].size()) << line;
}

TEST(LayoutProposal, RefusesFewerRanksThanRoles) {
  EXPECT_THROW(propose_layout(job(), 4), core::Error);
}

TEST(SchedulerBenchmark, KeepsItsPaceFromFewToManyWorkers) {
  const SchedulerMeasurement few = measure_scheduler(64, 20000);
  const SchedulerMeasurement many = measure_scheduler(2000, 20000);
  EXPECT_GE(few.samples, 20000u);
  EXPECT_GE(many.samples, 20000u);
  EXPECT_LT(few.p99_seconds, 1e-3);
  EXPECT_LT(many.p99_seconds, 1e-3);
  // A wide margin: tests share their machine. The benchmark tells the exact figures.
  EXPECT_GT(few.samples_per_second, 20000);
  EXPECT_GT(many.samples_per_second, 20000);
  EXPECT_EQ(table_of({few, many}).size(), 3u);
}

}  // namespace
}  // namespace srpo::scheduler
