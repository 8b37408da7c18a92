#include "analysis/audit_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

json audit_of(const RunScan& scan) {
  return json::parse(write_tables(audit_report(scan), OutputFormat::kJson));
}

TEST(AuditReport, ClosesTheLedgerOfAnIntactRun) {
  const test::ScratchFolder folder;
  for (uint32_t trees : {1000, 10})
    test::record_run(folder / std::to_string(trees), 5, 4, 2, trees);
  const RunScan scan = scan_run(folder / "10");
  EXPECT_TRUE(is_intact(scan));
  const json audit = audit_of(scan);
  EXPECT_EQ(audit["ledger"][0]["accepted"], 30);
  EXPECT_EQ(audit["ledger"][0]["readable"], 30);
  EXPECT_EQ(audit["ledger"][0]["job_digest"], "0123456789abcdef");
  EXPECT_EQ(audit["steps"].size(), 5U);
  EXPECT_EQ(audit["steps"][2]["training_trees"], 4);
  EXPECT_EQ(audit["steps"][2]["validation_trees"], 2);
  EXPECT_EQ(audit["steps"][2]["missing_slots"], 0);
  EXPECT_EQ(audit_of(scan_run(folder / "1000"))["ledger"][0]["in_journal"], 30);
}

TEST(AuditReport, NamesWhatIsDamagedAndWhatIsLost) {
  const test::ScratchFolder folder;
  const std::vector<records::RolloutTree> trees = test::RandomTrees(7).run(4, 4, 1);
  {
    storage::ReplayWriter writer(folder / "run/replay", {5, storage::Compression::kNone},
                                 {"", "d", 7, ""});
    for (const auto& tree : trees) {
      if (tree.step != 3 || tree.slot != 1) writer.accept(tree);
    }
  }
  std::filesystem::resize_file(folder / "run/replay/shard-000001.h5", 2000);
  const RunScan scan = scan_run(folder / "run");
  EXPECT_FALSE(is_intact(scan));
  const json audit = audit_of(scan);
  EXPECT_EQ(audit["ledger"][0]["accepted"], 19);
  EXPECT_EQ(audit["ledger"][0]["readable"], 14);
  EXPECT_EQ(audit["ledger"][0]["lost"], 5);
  EXPECT_EQ(audit["damaged"][0]["file"], "shard-000001.h5");
  EXPECT_EQ(audit["steps"].back()["missing_slots"], 1);
}

}  // namespace
}  // namespace srpo::analysis
