#include "analysis/rescore_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/expect_error.h"
#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

json rescored(const std::filesystem::path& run, const RescoreOptions& options) {
  return json::parse(write_tables(rescore_report(run, options), OutputFormat::kJson));
}

TEST(RescoreReport, AgreesWhereTheVerifierIsTheSameAndTellsWhereItIsNot) {
  const test::ScratchFolder folder;
  std::vector<records::RolloutTree> trees = test::RandomTrees(7).run(2, 4, 2);
  // One chain whose recorded verdict its words do not bear out.
  trees[0].fresh[0].text = "\\boxed{" + trees[0].problem.reference + "}";
  trees[0].fresh[0].verdict = {records::VerdictKind::kWrong, 0, "no", 0};
  {
    storage::ReplayWriter writer(folder / "run/replay", {4, storage::Compression::kNone},
                                 {"", "d", 7, ""});
    writer.accept(std::span(trees));
  }
  const json report = rescored(folder / "run", {"math", 1, {}});
  uint64_t count = 0;
  for (const auto& tree : trees) count += tree.fresh.size() + tree.suffixes.size();
  EXPECT_EQ(report["rewards"].back()["use"], "all");
  EXPECT_EQ(report["rewards"].back()["trajectories"], count);
  EXPECT_EQ(report["changes"].size(), 1U);
  EXPECT_EQ(report["changes"][0]["trajectory"], "0/0/fresh/0");
  EXPECT_EQ(report["changes"][0]["new_reward"], 1);
  EXPECT_GE(report["rewards"][0]["raised"], 1);
  EXPECT_LT(rescored(folder / "run", {"", 1, 1})["rewards"].back()["trajectories"],
            count);
}

TEST(RescoreReport, RefusesAVerifierThatIsNotKnown) {
  const test::ScratchFolder folder;
  test::record_run(folder / "run", 1, 1, 1, 4);
  test::expect_error(core::ErrorKind::kBadInput, "unknown kind of problem 'poem'", [&] {
    rescore_report(folder / "run", {"poem", 1, {}});
  });
}

}  // namespace
}  // namespace srpo::analysis
