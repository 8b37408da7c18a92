#include "analysis/dashboard_page.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/activity.h"
#include "analysis/dashboard_data.h"
#include "analysis/run_scan.h"
#include "core/error.h"
#include "core/files.h"
#include "support/expect_error.h"
#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

json data_of(const std::string& page) {
  const std::string begin = "<script type=\"application/json\" id=\"data\">";
  const size_t from = page.find(begin) + begin.size();
  return json::parse(page.substr(from, page.find("</script>", from) - from));
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
    ++count;
  return count;
}

TEST(DashboardPage, AddsUpAsTheScanDoes) {
  const test::ScratchFolder folder;
  test::record_run(folder / "run", 6, 10, 4, 7);
  const json run = read_run_document(folder / "run");
  const RunScan scan = scan_run(folder / "run");
  const Tally total = scan.total();
  const json& totals = run["totals"];
  EXPECT_EQ(totals["training_trees"], total.training_trees);
  EXPECT_EQ(totals["resets"], total.resets());
  EXPECT_EQ(totals["trees"], total.training_trees + total.validation_trees);
  EXPECT_NEAR(totals["gain"].get<double>(), *total.reset_gain.value(), 1e-4);
  EXPECT_NEAR(totals["length"].get<double>(), *total.sampled_length.value(), 1e-2);
  ASSERT_EQ(run["steps"]["step"].size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    const Tally& step = scan.steps.at(static_cast<uint32_t>(i));
    EXPECT_EQ(run["steps"]["trees"][i], step.training_trees);
    EXPECT_EQ(run["steps"]["resets"][i], step.resets());
    uint64_t chosen = 0;
    for (const json& count : run["resets"]["count"][i]) chosen += count.get<uint64_t>();
    EXPECT_EQ(chosen, step.resets());
  }
  EXPECT_EQ(run["validation"]["version"].size(), total.validation.size());
}

TEST(DashboardPage, StaysBoundedForManySteps) {
  CollectorLimits limits;
  limits.text_bytes = 50000;
  RunCollector collector(limits);
  const test::RandomTrees trees(3);
  for (uint32_t step = 0; step < 3000; ++step) {
    collector.add(digest_of(trees.training(step, 0), true));
    collector.add_metrics(step, {{"train/loss", 1.0 / (1 + step)}});
  }
  EXPECT_LE(collector.steps()["step"].size(), 201U);
  EXPECT_EQ(collector.steps()["width"], 15);
  EXPECT_LE(collector.resets()["step"].size(), 61U);
  EXPECT_LE(collector.metrics()["train/loss"]["step"].size(), 200U);
  EXPECT_LE(collector.trees().size(), 6 * limits.trees_per_outcome);
  EXPECT_LE(collector.trees().dump().size(), 500000U);
  uint64_t sum = 0;
  const json steps = collector.steps();
  for (const json& count : steps["trees"]) sum += count.get<uint64_t>();
  EXPECT_EQ(sum, 3000U);
}

TEST(DashboardPage, SampleDoesNotDependOnTheOrder) {
  const auto trees = test::RandomTrees(9).run(20, 10, 5);
  CollectorLimits limits;
  limits.trees_per_outcome = 7;
  RunCollector forward(limits);
  RunCollector backward(limits);
  for (auto at = trees.begin(); at != trees.end(); ++at)
    forward.add(digest_of(*at, true));
  for (auto at = trees.rbegin(); at != trees.rend(); ++at)
    backward.add(digest_of(*at, true));
  EXPECT_EQ(forward.trees(), backward.trees());
  EXPECT_EQ(forward.steps(), backward.steps());
}

TEST(DashboardPage, HostileTextStaysText) {
  records::RolloutTree tree = test::RandomTrees(1).training(0, 0);
  const std::string hostile =
      "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>"
      "{{style}}{{nonce}}\xFF\xE2\x80\xA8";
  tree.problem.question = tree.problem.reference = tree.problem.id = hostile;
  for (records::Trajectory& chain : tree.fresh)
    chain.text = chain.verdict.answer = hostile;
  RunCollector collector;
  collector.add(digest_of(tree, true));
  RunDescription about;
  about.name = about.reason = about.job_yaml = hostile;
  json runs = json::array();
  runs.push_back(run_document(collector, about, nullptr));
  PageOptions options;
  options.nonce = "thenonce";
  const std::string page = dashboard_page(runs, options);
  EXPECT_EQ(page.find("<script>alert"), std::string::npos);
  EXPECT_EQ(page.find("onerror=alert(2)>"), std::string::npos);
  EXPECT_EQ(count_of(page, "</script>"), 2U);
  EXPECT_EQ(count_of(page, "<!--"), 0U);
  const json data = data_of(page);
  const std::string question = data["runs"][0]["trees"][0]["question"];
  EXPECT_EQ(question.rfind("</script><script>alert(1)", 0), 0U);
  EXPECT_NE(question.find("{{style}}{{nonce}}\xEF\xBF\xBD"), std::string::npos);
}

TEST(DashboardPage, NeedsNoNetworkAndLetsNoOtherScriptRun) {
  const std::string page = dashboard_page(json::array());
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(page.find("connect-src"), std::string::npos);
  EXPECT_EQ(page.find("src=\"http"), std::string::npos);
  EXPECT_EQ(page.find("href=\"http"), std::string::npos);
  EXPECT_EQ(page.find("@import"), std::string::npos);
  // Text becomes nodes, never markup.
  for (const char* sink : {"innerHTML", "outerHTML", "insertAdjacentHTML",
                           "document.write", "eval(", "new Function"})
    EXPECT_EQ(page.find(sink), std::string::npos) << sink;
  EXPECT_NE(random_key(), random_key());
}

TEST(DashboardPage, TellsWhatCannotBeRead) {
  const test::ScratchFolder folder;
  test::record_run(folder / "run", 4, 10, 0, 10);
  core::write_file(folder / "run/replay/shard-000001.h5", std::string("no shard"));
  std::ofstream(folder / "run/metrics.jsonl")
      << "{\"step\":1,\"train/loss\":0.5,\"x\":null}\nnoise\n{\"step\":2,\"train/lo";
  std::ofstream(folder / "run/status.json") << "[";
  std::ofstream(folder / "run/activity.jsonl") << "noise\n{\"at\":1}\n";
  const json run = read_run_document(folder / "run");
  EXPECT_EQ(run["totals"]["trees"], 30);
  const std::string notes = run["notes"].dump();
  EXPECT_NE(notes.find("shard-000001.h5"), std::string::npos) << notes;
  EXPECT_NE(notes.find("10 accepted trees cannot be read"), std::string::npos) << notes;
  EXPECT_NE(notes.find("1 lines of"), std::string::npos) << notes;
  EXPECT_NE(notes.find("2 lines of activity.jsonl"), std::string::npos) << notes;
  EXPECT_EQ(run["metrics"]["train/loss"]["value"][0], 0.5);
  EXPECT_TRUE(run["timeline"].is_null());
}

TEST(DashboardPage, ShowsAnEmptyRunAndRefusesWhatIsNone) {
  const test::ScratchFolder folder;
  std::filesystem::create_directories(folder / "run/replay");
  EXPECT_NE(read_run_document(folder / "run")["notes"].dump().find("no tree is recorded"),
            std::string::npos);
  test::expect_error(core::ErrorKind::kBadInput, "is no run folder",
                     [&] { read_run_document(folder / "nothing"); });
}

TEST(DashboardPage, LeavesTheTokenOut) {
  const std::string job =
      "dashboard:\n  port: 1\n  token: secret-secret\ngeneration: {thought_tokens: 16}\n";
  const std::string shown = without_secrets(job);
  EXPECT_EQ(shown.find("secret-secret"), std::string::npos);
  EXPECT_NE(shown.find("thought_tokens: 16"), std::string::npos);
}

TEST(Activity, LaysStartsEndToEnd) {
  RunStart first{1000, {"scheduler", "generator"}, {}, {}};
  first.stages = {{1000, "start", 0}, {1002, "drawing", 1}, {1008, "", 1}};
  first.busy = {{1000, 1010, {0, 50}}};
  RunStart second{5000, {"scheduler", "generator"}, {{5000, "drawing", 1}}, {}};
  second.busy = {{5000, 5010, {0, 100}}};
  const json timeline = activity_json({first, second});
  EXPECT_EQ(timeline["seconds"], 20);
  EXPECT_EQ(timeline["starts"], json({0.0, 10.0}));
  ASSERT_EQ(timeline["stages"].size(), 3U);
  EXPECT_EQ(timeline["stages"][1]["name"], "drawing");
  EXPECT_EQ(timeline["stages"][1]["to"], 8);
  ASSERT_EQ(timeline["rows"].size(), 1U) << "the scheduler has no row of its own";
  EXPECT_EQ(timeline["rows"][0]["busy"][0], 50);
  EXPECT_EQ(timeline["rows"][0]["busy"][239], 100);
  EXPECT_TRUE(activity_json({}).is_null());
}

TEST(TreeDigest, CutsTextBetweenCharacters) {
  EXPECT_EQ(shortened("short", 10), "short");
  EXPECT_EQ(shortened("a\xE2\x9E\x95z", 3), "a [... 4 more bytes]");
  const auto tree = test::RandomTrees(7).training(3, 1);
  DigestLimits limits;
  limits.chain = 40;
  const TreeDigest digest = digest_of(tree, true, limits);
  for (const ChainDigest& chain : digest.fresh) {
    EXPECT_FALSE(chain.is_whole);
    EXPECT_EQ(chain.thoughts.size(), chain.num_thoughts);
  }
  EXPECT_TRUE(digest_of(tree, false).question.empty());
}

}  // namespace
}  // namespace srpo::analysis
