// The program as a shell sees it.
#include <cstdio>
#include <fstream>
#include <sys/wait.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo {
namespace {

const std::string kProgram = std::string(SRPO_BUILD_DIR) + "/bin/srpo_analyze";

struct Result {
  int status = 0;
  std::string output;  // both streams
};

Result analyze(const std::string& arguments) {
  Result result;
  FILE* pipe = popen((kProgram + " " + arguments + " 2>&1").c_str(), "r");
  char part[4096];
  while (pipe != nullptr && fgets(part, sizeof part, pipe) != nullptr)
    result.output += part;
  result.status = WEXITSTATUS(pclose(pipe));
  return result;
}

class SrpoAnalyze : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kProgram)) GTEST_SKIP() << kProgram << " is not built";
    trees_ = test::record_run(folder_ / "run", 4, 6, 3, 1000);
    run_ = (folder_ / "run").string();
  }

  size_t lines_of(const std::string& arguments) {
    const Result result = analyze(run_ + " " + arguments);
    EXPECT_EQ(result.status, 0) << result.output;
    return static_cast<size_t>(
        std::count(result.output.begin(), result.output.end(), '\n'));
  }

  test::ScratchFolder folder_;
  std::string run_;
  std::vector<records::RolloutTree> trees_;
};

TEST_F(SrpoAnalyze, SummarizesInThreeFormats) {
  EXPECT_NE(analyze(run_ + " summary").output.find("resets/gain"), std::string::npos);
  const Result json = analyze(run_ + " summary --format json --per-step");
  EXPECT_EQ(nlohmann::json::parse(json.output)["steps"].size(), 4U);
  EXPECT_NE(analyze(run_ + " summary --format csv").output.find("measure,value,of\n"),
            std::string::npos);
}

TEST_F(SrpoAnalyze, ExportsAndFiltersTrees) {
  EXPECT_EQ(lines_of("export"), trees_.size());
  EXPECT_EQ(lines_of("export --step 2"), 9U);
  EXPECT_EQ(lines_of("export --limit 5"), 5U);
  EXPECT_EQ(lines_of("export --step 2 --slot 5"), 1U);
  const auto resets = std::count_if(trees_.begin(), trees_.end(), [](const auto& tree) {
    return tree.localization.has_value();
  });
  EXPECT_EQ(lines_of("export --with-reset"), static_cast<size_t>(resets));
  size_t trajectories = 0;
  for (const auto& tree : trees_)
    trajectories += tree.fresh.size() + tree.suffixes.size();
  EXPECT_EQ(lines_of("export --format csv"), trajectories + 1);
}

TEST_F(SrpoAnalyze, PrintsTreesAndSaysWhenNoneMatches) {
  EXPECT_NE(
      analyze(run_ + " trajectories --with-reset --limit 1").output.find("failed chain"),
      std::string::npos);
  EXPECT_EQ(analyze(run_ + " trajectories --step 99").output, "no tree matches\n");
}

TEST_F(SrpoAnalyze, DrawsTheCurveIntoAFile) {
  const std::string file = (folder_ / "curve.svg").string();
  EXPECT_EQ(analyze(run_ + " curve --out " + file).status, 0);
  EXPECT_GT(std::filesystem::file_size(file), 2000U);
  const Result refused = analyze(run_ + " curve --out /nowhere/curve.svg");
  EXPECT_EQ(refused.status, 64);
  EXPECT_NE(refused.output.find("--out /nowhere/curve.svg cannot be created"),
            std::string::npos);
}

TEST_F(SrpoAnalyze, AuditsAndFailsWhereSomethingIsDamaged) {
  EXPECT_EQ(analyze(run_ + " audit").status, 0);
  test::record_run(folder_ / "bad", 4, 6, 3, 36);
  std::filesystem::resize_file(folder_ / "bad/replay/shard-000000.h5", 1000);
  const Result result = analyze((folder_ / "bad").string() + " audit");
  EXPECT_EQ(result.status, 64);
  EXPECT_NE(result.output.find("2 violations, the first: shard-000000.h5"),
            std::string::npos);
}

TEST_F(SrpoAnalyze, GivesEveryReportInEveryForm) {
  for (const std::string& verb :
       {std::string("rewards"), std::string("resets"), std::string("localization"),
        std::string("efficiency"), std::string("gradient-signal"),
        std::string("advantages"), "compare " + run_}) {
    EXPECT_EQ(analyze(run_ + " " + verb).status, 0) << verb;
    const Result json = analyze(run_ + " " + verb + " --format json");
    EXPECT_TRUE(nlohmann::json::parse(json.output)["unread"].empty()) << verb;
    EXPECT_GT(lines_of(verb + " --format csv"), 2U) << verb;
    const Result svg = analyze(run_ + " " + verb + " --format svg");
    EXPECT_EQ(svg.output.rfind("<svg ", 0), 0U) << verb;
    EXPECT_EQ(svg.output.find("nan"), std::string::npos) << verb;
  }
}

TEST_F(SrpoAnalyze, GivesOneTableAndNamesThemAllWhenThereIsNoSuch) {
  const Result one = analyze(run_ + " resets --table positions --format csv");
  EXPECT_EQ(one.output.rfind("from,to,resets,share,density\n", 0), 0U) << one.output;
  EXPECT_EQ(lines_of("resets --table positions --format csv"), 21U);
  const Result none = analyze(run_ + " resets --table dance");
  EXPECT_EQ(none.status, 64);
  EXPECT_NE(none.output.find("(expected resets, positions, thoughts, by_kept_fraction)"),
            std::string::npos);
}

TEST_F(SrpoAnalyze, FiltersTreesAndRowsAndPointsAtErrors) {
  size_t endings = 0;
  for (const auto& tree : trees_) endings += tree.suffixes.size();
  EXPECT_EQ(lines_of("export --format csv --where 'use == suffix'"), endings + 1);
  const Result bad = analyze(run_ + " export --where 'use = suffix'");
  EXPECT_EQ(bad.status, 64);
  EXPECT_NE(bad.output.find("  use = suffix\n      ^\n"), std::string::npos)
      << bad.output;
  EXPECT_NE(analyze(run_ + " trajectories --fields").output.find("base_reward"),
            std::string::npos);
}

TEST_F(SrpoAnalyze, ShowsWhatDiffersBetweenTwoEndings) {
  const Result diff =
      analyze(run_ + " trajectories --where 'reset == yes' --diff suffix/0 suffix/1");
  EXPECT_EQ(diff.status, 0);
  EXPECT_NE(diff.output.find("[-] suffix/0: reward"), std::string::npos);
  EXPECT_EQ(diff.output.find('\x1b'), std::string::npos);  // no terminal, no colour
  EXPECT_EQ(analyze(run_ + " trajectories --diff suffix/0 suffix/99 --with-reset").status,
            64);
}

TEST_F(SrpoAnalyze, ShowsWhatItCanOfADamagedRunAndNamesTheRest) {
  test::record_run(folder_ / "bad", 4, 6, 3, 12);
  std::filesystem::resize_file(folder_ / "bad/replay/shard-000001.h5", 1000);
  const std::string bad = (folder_ / "bad").string();
  for (const std::string& verb : {std::string("summary"), std::string("rewards"),
                                  std::string("resets"), std::string("efficiency")}) {
    const Result result = analyze(bad + " " + verb);
    EXPECT_EQ(result.status, 0);
    EXPECT_NE(result.output.find("shard-000001.h5"), std::string::npos) << verb;
    EXPECT_NE(result.output.find("accepted, and in shards that cannot be read"),
              std::string::npos);
  }
  EXPECT_NE(
      analyze(bad + " rewards --format csv").output.find("left out: shard-000001.h5"),
      std::string::npos);
  EXPECT_NE(analyze(bad + " export --format csv").output.find("12 trees in files"),
            std::string::npos);
}

TEST_F(SrpoAnalyze, SaysASentenceOfARunThatHasRecordedNothing) {
  std::filesystem::create_directories(folder_ / "begun");
  std::ofstream(folder_ / "begun/job.yaml") << "run: {name: x}\n";
  const std::string begun = (folder_ / "begun").string();
  for (const char* verb : {"summary", "rewards", "trajectories", "export", "audit"})
    EXPECT_EQ(analyze(begun + " " + verb).output,
              begun + " has no replay folder yet: nothing has been recorded\n");
  std::filesystem::create_directories(folder_ / "begun/replay");
  for (const char* verb : {"summary", "rewards", "resets", "localization", "efficiency",
                           "gradient-signal", "advantages"}) {
    const Result result = analyze(begun + " " + verb);
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_EQ(result.output,
              begun + "/replay holds no tree: nothing has been recorded yet\n");
  }
}

TEST_F(SrpoAnalyze, RefusesBadInputInOneSentence) {
  for (const std::string& arguments :
       {std::string(""), std::string("/nowhere summary"), run_, run_ + " dance",
        run_ + " summary --format xml", run_ + " summary --step 1",
        run_ + " export --step minus"}) {
    const Result result = analyze(arguments);
    EXPECT_EQ(result.status, 64) << arguments;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1)
        << result.output;
    EXPECT_EQ(result.output.rfind("srpo_analyze: ", 0), 0U) << result.output;
  }
  EXPECT_EQ(analyze("--help").status, 0);
}

}  // namespace
}  // namespace srpo
