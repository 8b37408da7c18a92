#include "analysis/audit_report.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/tree_audit.h"
#include "core/files.h"
#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

json audit_of(const RunAudit& audit) {
  return json::parse(write_tables(audit_report(audit), OutputFormat::kJson));
}

TEST(AuditReport, ClosesTheLedgerOfAnIntactRun) {
  const test::ScratchFolder folder;
  for (uint32_t trees : {1000, 10})
    test::record_run(folder / std::to_string(trees), 5, 4, 2, trees);
  const RunAudit scan = audit_run(folder / "10");
  EXPECT_TRUE(is_intact(scan));
  const json audit = audit_of(scan);
  EXPECT_EQ(audit["ledger"][0]["accepted"], 30);
  EXPECT_EQ(audit["ledger"][0]["readable"], 30);
  EXPECT_EQ(audit["ledger"][0]["job_digest"], "0123456789abcdef");
  EXPECT_EQ(audit["steps"].size(), 5U);
  EXPECT_EQ(audit["steps"][2]["training_trees"], 4);
  EXPECT_EQ(audit["steps"][2]["validation_trees"], 2);
  EXPECT_EQ(audit["steps"][2]["missing_slots"], 0);
  EXPECT_EQ(audit_of(audit_run(folder / "1000"))["ledger"][0]["in_journal"], 30);
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
  const RunAudit scan = audit_run(folder / "run");
  EXPECT_FALSE(is_intact(scan));
  const json audit = audit_of(scan);
  EXPECT_EQ(audit["ledger"][0]["accepted"], 19);
  EXPECT_EQ(audit["ledger"][0]["readable"], 14);
  EXPECT_EQ(audit["ledger"][0]["lost"], 5);
  EXPECT_EQ(audit["damaged"][0]["file"], "shard-000001.h5");
  EXPECT_EQ(audit["steps"].back()["missing_slots"], 1);
}

TEST(AuditReport, ClosesTheSumOfAFinishedRunAgainstItsJobAndStatus) {
  const test::ScratchFolder folder;
  const auto write_run = [&](uint32_t missing) {
    std::filesystem::remove_all(folder / "run");
    storage::ReplayWriter writer(
        folder / "run/replay", {4, storage::Compression::kNone},
        {"learner: {prompts_per_step: 4}\n", "0123456789abcdef", 7, "feedbeef"});
    for (const auto& tree : test::RandomTrees(7).run(3, 4, 0)) {
      if (tree.step != 1 || tree.slot >= missing) writer.accept(tree);
    }
    if (missing > 1) writer.drop({1, 0, false}, "its worker died three times");
    core::write_file(folder / "run/status.json",
                     std::string(R"({"state":"complete","steps":3,"accepted":)") +
                         std::to_string(writer.num_accepted()) + R"(,"dropped":0})");
  };
  write_run(0);
  RunAudit audit = audit_run(folder / "run");
  EXPECT_EQ(audit.assigned, 12U);
  EXPECT_EQ(audit.num_violations, 0U) << audit.violations.front();
  write_run(2);
  audit = audit_run(folder / "run");
  ASSERT_EQ(audit.violations.size(), 1U);
  EXPECT_EQ(audit.violations[0],
            "of 12 problems of 3 finished steps 10 are accepted, 1 dropped and 0 lost or "
            "retired: 1 are not accounted for");
}

TEST(TreeAudit, SaysWhichPromiseATreeBreaks) {
  using records::RolloutTree;
  RolloutTree good;
  for (uint32_t slot = 0; good.prefix_length == 0; ++slot)
    good = test::RandomTrees(7).training(3, slot);
  const uint64_t seed = 7;
  EXPECT_TRUE(audit_tree(good, &seed).empty());
  const auto says = [&](const std::string& part,
                        const std::function<void(RolloutTree&)>& spoil) {
    RolloutTree bad = good;
    spoil(bad);
    const auto sentences = audit_tree(bad, &seed);
    ASSERT_FALSE(sentences.empty()) << part;
    EXPECT_NE(sentences[0].find(part), std::string::npos) << sentences[0];
  };
  says("drawn under seed 8 (expected 7", [](auto& t) { t.fresh[0].seed = 8; });
  says("drawn from stream 1 (expected", [](auto& t) { t.fresh[1].stream = 1; });
  says("among others of another name", [](auto& t) { t.fresh[0].id.slot += 9; });
  says("stands twice", [](auto& t) { t.fresh.push_back(t.fresh[0]); });
  says("is no ending, but", [](auto& t) { t.fresh[0].parent = t.fresh[1].id; });
  says("has no parent", [](auto& t) { t.suffixes[0].parent.reset(); });
  says("is not in its tree", [](auto& t) { t.suffixes[0].parent->index = 99; });
  says("log-probabilities for", [](auto& t) { t.fresh[0].logprobs.pop_back(); });
  says("no version span", [](auto& t) { t.fresh[0].version_spans.clear(); });
  says("begin at token 1", [](auto& t) { t.fresh[0].version_spans[0].first_token = 1; });
  says("its policy version is", [](auto& t) { t.fresh[0].policy_version = 77; });
  says("falls from 3 to 2 at token 4", [](auto& t) {
    t.fresh[0].version_spans.push_back({4, 2});
  });
}

}  // namespace
}  // namespace srpo::analysis
