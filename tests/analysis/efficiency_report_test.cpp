#include "analysis/efficiency_report.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/hand_made_trees.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

constexpr const char* kSummary = R"({"result": [],
"stages of this start": [{"stage": "start", "seconds": "1.0"},
 {"stage": "validation", "seconds": "10.0"}, {"stage": "publication", "seconds": "4.0"},
 {"stage": "drawing", "seconds": "50.0"}, {"stage": "training", "seconds": "35.0"}],
"ranks": [{"rank": 0, "role": "scheduler", "peak memory, MB": 1, "CPU seconds": "10.0"},
 {"rank": 1, "role": "generator", "peak memory, MB": 2, "CPU seconds": "50.0"},
 {"rank": 2, "role": "generator", "peak memory, MB": 2, "CPU seconds": "25.0"},
 {"rank": 3, "role": "learner", "peak memory, MB": 2, "CPU seconds": "500.0"}]})";

void write_times(const std::filesystem::path& run) {
  std::ofstream(run / "metrics.jsonl")
      << "{\"step\":-1,\"warm_start/seconds\":2.5}\n"
      << "{\"step\":1,\"draw/seconds\":99,\"train/seconds\":1}\n"
      << "{\"step\":1,\"draw/seconds\":30,\"train/seconds\":15,"
         "\"train/collective_seconds\":3,\"train/tokens\":100}\n"
      << "{\"step\":2,\"draw/seconds\":20,\"train/seconds\":20,\"train/loss\":null}\n"
      << "{\"step\":2,\"validation/accuracy\":0.5}\n"
      << "{\"step\":3,\"draw/sec";
  std::ofstream(run / "summary.json") << kSummary;
}

TEST(EfficiencyReport, CountsTokensByWhatTheyWereFor) {
  EfficiencyReport report("run");
  report.add(test::reset_tree(0, 0));                // endings 1 1 1 0
  report.add(test::reset_tree(0, 1, {1, 1, 1, 1}));  // a suffix group without variance
  report.add(test::validation_tree(0, 0, true));
  EXPECT_EQ(report.decoded, (std::array<uint64_t, 5>{320, 200, 320, 60, 20}));
  EXPECT_EQ(report.localization_tokens, 10U);
  EXPECT_EQ(report.localization_prompt_tokens, 200U);
  EXPECT_EQ(report.prefilled, 20U);
  EXPECT_EQ(report.ending_prefilled, 0U);
  EXPECT_EQ(report.prefix_tokens, 8U * 50);
  EXPECT_EQ(report.trained_tokens, 320U + 160);
  EXPECT_EQ(report.flat_tokens, 160U);
  EXPECT_EQ(report.masked_tokens, 400U);
  EXPECT_EQ(report.paper_tokens, 8U * 50 + 8U * 100);
  EXPECT_EQ(report.response.value(), (40.0 + 90.0) / 2);
  EXPECT_EQ(report.decoded_for_training(), 910U);
}

TEST(EfficiencyReport, TakesTimesFromMetricsAndSummary) {
  const test::ScratchFolder folder;
  test::write_run(folder / "run", {test::reset_tree(0, 0)});
  write_times(folder / "run");
  const EfficiencyReport report = read_efficiency(folder / "run");
  EXPECT_EQ(report.name, "by_hand");
  EXPECT_EQ(report.identity.algorithm, "srpo");
  EXPECT_EQ(report.times.num_bad_lines, 1U);
  EXPECT_EQ(report.times.warm_start_seconds, 2.5);
  EXPECT_EQ(report.generation_seconds(), 50);  // the repeated step counts once
  EXPECT_TRUE(report.summary_covers_run());
  EXPECT_EQ(report.train_seconds(), 89);
  EXPECT_EQ(report.validation_seconds(), 10);
  EXPECT_EQ(report.total_seconds(), 99);
  const json tables =
      json::parse(write_tables(efficiency_tables({report}), OutputFormat::kJson));
  for (const json& row : tables["idle"]) {
    if (row["role"] == "generator") {
      EXPECT_EQ(row["ranks"], 2);
      EXPECT_NEAR(row["idle_by_stage"].get<double>(), 0.4, 1e-12);
      EXPECT_NEAR(row["idle_by_cpu"].get<double>(), 1 - 0.375, 1e-12);
    }
    if (row["role"] == "learner") {
      EXPECT_EQ(row["idle_by_cpu"], 0);
    }
  }
  EXPECT_NEAR(tables["paper"][0]["tokens_per_second"].get<double>(),
              (160 + 100 + 30 + 160 + 5) / 50.0, 1e-12);
}

TEST(EfficiencyReport, DoesNotTakeTheLastStartForTheWholeRun) {
  const test::ScratchFolder folder;
  test::write_run(folder / "run", {test::reset_tree(0, 0)});
  write_times(folder / "run");
  std::ofstream(folder / "run/metrics.jsonl", std::ios::app)
      << "\n{\"step\":3,\"draw/seconds\":500,\"train/seconds\":100}\n";
  const EfficiencyReport report = read_efficiency(folder / "run");
  EXPECT_FALSE(report.summary_covers_run());
  EXPECT_EQ(report.train_seconds(), 50 + 35 + 600);
  EXPECT_EQ(report.validation_seconds(), std::nullopt);
  EXPECT_EQ(report.total_seconds(), std::nullopt);
}

TEST(EfficiencyReport, SetsRunsAgainstTheFirst) {
  EfficiencyReport one("one");
  EfficiencyReport two("two");
  one.add(test::reset_tree(0, 0));
  two.add(test::reset_tree(0, 0));
  two.add(test::reset_tree(0, 1));
  one.times.steps[1].draw_seconds = 10;
  two.times.steps[1].draw_seconds = 15;
  const json paper = json::parse(
      write_tables(efficiency_tables({one, two}), OutputFormat::kJson))["paper"];
  EXPECT_EQ(paper[0]["tokens_x"], 1);
  EXPECT_EQ(paper[1]["tokens_x"], 2);
  EXPECT_EQ(paper[1]["generation_x"], 1.5);
  EXPECT_TRUE(paper[1]["total_x"].is_null());
}

TEST(RunTimes, StandWhateverTheFilesHold) {
  const test::ScratchFolder folder;
  test::write_run(folder / "run", {});
  for (const char* text :
       {"", "{", "[]", "{\"stages of this start\": 7, \"ranks\": [1, {}]}",
        "{\"stages of this start\": [{\"stage\": 5, \"seconds\": [1]}]}",
        "{\"ranks\": [{\"rank\": -1e300, \"CPU seconds\": \"nan\"}]}"}) {
    std::ofstream(folder / "run/summary.json") << text;
    std::ofstream(folder / "run/metrics.jsonl") << text << "\n" << text;
    EXPECT_NO_THROW(read_run_times(folder / "run")) << text;
  }
}

}  // namespace
}  // namespace srpo::analysis
