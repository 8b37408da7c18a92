#include "analysis/tree_export.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/random_trees.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;
using records::RolloutTree;

TEST(TreeJson, HoldsEveryField) {
  const RolloutTree tree = test::RandomTrees(2).training(3, 4);
  const json object = json::parse(tree_json(tree));
  EXPECT_EQ(object["step"], 3);
  EXPECT_EQ(object["validation"], false);
  EXPECT_EQ(object["problem"]["question"], tree.problem.question);
  ASSERT_EQ(object["fresh"].size(), tree.fresh.size());
  EXPECT_EQ(object["fresh"][0]["use"], "base");
  EXPECT_EQ(object["fresh"][0]["id"]["kind"], "fresh");
  EXPECT_EQ(object["fresh"][0]["tokens"].get<std::vector<int32_t>>(),
            tree.fresh[0].tokens);
  EXPECT_EQ(object["fresh"][0]["logprobs"].get<std::vector<float>>(),
            tree.fresh[0].logprobs);
  EXPECT_EQ(object["fresh"][0]["verdict"]["kind"], name_of(tree.fresh[0].verdict.kind));
  EXPECT_EQ(object["localization"]["status"], name_of(tree.localization->status));
  EXPECT_EQ(tree_json(tree).find('\n'), std::string::npos);
}

TEST(TreeJson, IsValidForMissingAndOddValues) {
  RolloutTree tree;
  tree.fresh.emplace_back().logprobs = {-std::numeric_limits<float>::infinity(), -0.1F};
  tree.fresh[0].text = "\xff";
  const json object = json::parse(tree_json(tree));
  EXPECT_TRUE(object["localization"].is_null());
  EXPECT_TRUE(object["fresh"][0]["logprobs"][0].is_null());
  EXPECT_NE(tree_json(tree).find("[null,-0.1]"), std::string::npos);
}

TEST(TrajectoryTable, HasAdvantagesThatSumToZeroInEachGroup) {
  const RolloutTree tree = test::RandomTrees(2).training(0, 4);
  Table table = trajectory_table();
  add_trajectories(table, tree);
  ASSERT_EQ(table.rows().size(), tree.fresh.size() + tree.suffixes.size());
  double sum = 0;
  size_t count = 0;
  for (const auto& row : table.rows()) {
    if (const auto* advantage = std::get_if<double>(&row[9])) {
      sum += *advantage;
      ++count;
    }
  }
  EXPECT_EQ(count, 8U);
  EXPECT_NEAR(sum, 0, 1e-12);
}

}  // namespace
}  // namespace srpo::analysis
