#include "analysis/summary_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

json report_of(const RunScan& scan, bool per_step) {
  return json::parse(write_tables(summary_report(scan, per_step), OutputFormat::kJson));
}

json measure(const json& report, const std::string& name) {
  for (const json& row : report["measures"]) {
    if (row["measure"] == name) return row;
  }
  ADD_FAILURE() << "no measure " << name;
  return {};
}

TEST(SummaryReport, AgreesWithItsTallies) {
  const test::ScratchFolder folder;
  test::record_run(folder / "run", 10, 8, 20, 64);
  const RunScan scan = scan_run(folder / "run");
  const Tally total = scan.total();
  const json report = report_of(scan, true);
  ASSERT_EQ(report["validation"].size(), 10U);
  EXPECT_EQ(report["validation"][0]["which"], "first");
  EXPECT_EQ(report["validation"][9]["which"], "last");
  EXPECT_EQ(report["validation"][9]["policy_version"], 9);
  EXPECT_EQ(report["validation"][3]["problems"], 20);
  EXPECT_LT(report["validation"][3]["low_95"], report["validation"][3]["accuracy"]);
  EXPECT_GT(report["validation"][3]["high_95"], report["validation"][3]["accuracy"]);
  EXPECT_EQ(report["steps"].size(), 10U);
  EXPECT_EQ(measure(report, "trees/training")["value"], 80);
  EXPECT_EQ(measure(report, "trajectories/base")["value"], total.uses[0]);
  EXPECT_EQ(measure(report, "resets/gain")["value"].get<double>(),
            *total.reset_gain.value());
  EXPECT_EQ(measure(report, "sampled_tokens/max")["value"], total.max_sampled_length);
  double shares = 0;
  for (const char* kind : {"boxed", "step_word", "default", "not_parsed"}) {
    shares += measure(report, std::string("localization/") + kind)["value"].get<double>();
  }
  EXPECT_NEAR(shares, 1, 1e-12);
}

TEST(SummaryReport, OfAnEmptyRunHasNoNumbersMadeUp) {
  const json report = report_of(RunScan(), true);
  EXPECT_EQ(report["validation"].size(), 0U);
  EXPECT_TRUE(measure(report, "reward/base")["value"].is_null());
  EXPECT_TRUE(measure(report, "finish/answer")["value"].is_null());
  EXPECT_EQ(measure(report, "trees/training")["value"], 0);
}

}  // namespace
}  // namespace srpo::analysis
