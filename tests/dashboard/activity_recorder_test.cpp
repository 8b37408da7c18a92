#include "dashboard/activity_recorder.h"

#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/scratch_folder.h"

namespace srpo::dashboard {
namespace {

TEST(ActivityRecorder, WritesWhatTheReaderReads) {
  const test::ScratchFolder folder;
  const auto file = folder / "activity.jsonl";
  {
    ActivityRecorder recorder(file, {"scheduler", "generator", "learner"});
    recorder.enter("drawing", 3);
    recorder.begin(1);
    recorder.begin(1);
    recorder.end(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_EQ(recorder.in_hand(1), 1U);
    const analysis::BusySpan busy = recorder.flush();
    EXPECT_GE(busy.percent[1], 95);
    EXPECT_EQ(busy.percent[2], 0);
    recorder.end(1);
    recorder.end(1);  // an answer that nobody waits for
    EXPECT_EQ(recorder.in_hand(1), 0U);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_LE(recorder.flush().percent[1], 5);
  }
  size_t damaged = 0;
  const auto starts = analysis::read_activity(file, &damaged);
  EXPECT_EQ(damaged, 0U);
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0].roles[2], "learner");
  EXPECT_EQ(starts[0].stages.at(0).stage, "drawing");
  EXPECT_EQ(starts[0].stages.at(0).step, 3);
  EXPECT_EQ(starts[0].busy.size(), 2U);
}

TEST(ActivityRecorder, GoesOnWithoutAFile) {
  ActivityRecorder recorder("/nowhere/at/all/activity.jsonl", {"scheduler", "learner"});
  recorder.begin(1);
  recorder.enter("training", 1);
  EXPECT_EQ(recorder.flush().percent.size(), 2U);
}

}  // namespace
}  // namespace srpo::dashboard
