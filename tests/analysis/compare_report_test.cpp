#include "analysis/compare_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/hand_made_trees.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

/// A run whose last policy solves the first so many of ten validation problems.
void write_solving(const std::filesystem::path& run, uint32_t solved) {
  std::vector<records::RolloutTree> trees = {test::reset_tree(0, 0)};
  for (uint32_t slot = 0; slot < 10; ++slot) {
    trees.push_back(test::validation_tree(0, slot, true));
    trees.push_back(test::validation_tree(4, slot, slot < solved));
  }
  test::write_run(run, trees);
}

TEST(CompareReport, PairsTheLastPoliciesProblemByProblem) {
  const test::ScratchFolder folder;
  write_solving(folder / "a", 8);
  write_solving(folder / "b", 3);
  const std::vector<ComparedRun> runs = {read_compared(folder / "a"),
                                         read_compared(folder / "b")};
  const json report =
      json::parse(write_tables(compare_tables(runs), OutputFormat::kJson));
  const json& paired = report["paired"][0];
  EXPECT_EQ(paired["run"], "by_hand (2)");
  EXPECT_EQ(paired["problems"], 10);
  EXPECT_EQ(paired["both"], 3);
  EXPECT_EQ(paired["only_run"], 0);
  EXPECT_EQ(paired["only_against"], 5);
  EXPECT_EQ(paired["neither"], 2);
  EXPECT_EQ(paired["difference"], -0.5);
  EXPECT_NEAR(paired["p_mcnemar"].get<double>(), 2.0 / 32, 1e-12);
  for (const json& row : report["measures"]) {
    if (row["measure"] == "validation/last") {
      EXPECT_EQ(row["by_hand"], 0.8);
      EXPECT_EQ(row["by_hand (2)"], 0.3);
    }
    if (row["measure"] == "resets/gain") {
      EXPECT_EQ(row["by_hand"], 0.25);
    }
  }
  EXPECT_EQ(report["validation"].size(), 4U);
  EXPECT_NE(compare_svg(runs).find("by_hand (2)"), std::string::npos);
}

TEST(CompareReport, HasNothingToPairInRunsWithoutValidation) {
  const test::ScratchFolder folder;
  write_solving(folder / "a", 8);
  test::write_run(folder / "b", {test::reset_tree(0, 0)});
  const json report = json::parse(write_tables(
      compare_tables({read_compared(folder / "a"), read_compared(folder / "b")}),
      OutputFormat::kJson));
  EXPECT_EQ(report["paired"][0]["problems"], 0);
  EXPECT_TRUE(report["paired"][0]["p_mcnemar"].is_null());
}

}  // namespace
}  // namespace srpo::analysis
