#include "dashboard/live_run.h"

#include <sys/stat.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "dashboard/http_client.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::dashboard {
namespace {

TEST(LiveRun, TellsPageFilesAndTensorboardOfOneRun) {
  const test::ScratchFolder folder;
  DashboardConfig config;
  config.serves = true;
  config.tensorboard = true;
  LiveRun run(config, {"a run", folder.path(), "", "", {"scheduler", "generator"}});
  ASSERT_NE(run.url(), "");
  run.enter("drawing", 1);
  run.begin(1);
  run.accept(test::RandomTrees(5).training(1, 0));
  run.metrics(1, {{"train/loss", 0.5}});
  run.set_there(1, false);
  ASSERT_TRUE(run.turn());
  run.show({});
  EXPECT_FALSE(run.turn()) << "at most once a second";
  const auto place = nlohmann::json::parse(core::read_file(folder / "dashboard.json"));
  struct stat status {};
  ASSERT_EQ(::stat((folder / "dashboard.json").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const std::string url = place["url"];
  const auto port = static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  const auto told =
      nlohmann::json::parse(test::body_of(test::HttpClient::get(port, "/api/v1/status")));
  EXPECT_EQ(told["stage"], "drawing");
  EXPECT_EQ(told["ranks"][1]["in_hand"], 1);
  EXPECT_EQ(told["ranks"][1]["there"], false);
  const std::string key = place["action_key"];
  EXPECT_FALSE(run.drain_is_asked_for());
  test::HttpClient::ask(port, "POST", "/api/v1/drain", "X-SRPO-Action: " + key + "\r\n");
  EXPECT_TRUE(run.drain_is_asked_for());
  EXPECT_FALSE(std::filesystem::is_empty(folder / "tensorboard"));
}

TEST(LiveRun, TellingATreeCostsTheRunMicroseconds) {
  const test::ScratchFolder folder;
  DashboardConfig config;
  config.serves = true;
  LiveRun run(config, {"a run", folder.path(), "", "", {"scheduler", "generator"}});
  std::vector<records::RolloutTree> trees;
  for (uint32_t slot = 0; slot < 200; ++slot)
    trees.push_back(test::RandomTrees(5).training(1, slot));
  const core::Stopwatch watch;
  for (const auto& tree : trees) {
    run.begin(1);
    run.accept(tree);
    run.end(1);
    run.turn();
  }
  const double each = watch.seconds() / static_cast<double>(trees.size());
  RecordProperty("microseconds_a_tree", static_cast<int>(each * 1e6));
  std::printf("%.1f us a tree\n", each * 1e6);
  EXPECT_LT(each, 2e-3);
}

TEST(LiveRun, GoesOnWithoutAPageThatCannotOpen) {
  const test::ScratchFolder folder;
  DashboardConfig config;
  config.serves = true;
  config.host = "203.0.113.9";
  LiveRun run(config, {"a run", folder.path(), "", "", {"scheduler"}});
  EXPECT_EQ(run.url(), "");
  run.enter("drawing", 1);
  EXPECT_FALSE(run.turn());
}

}  // namespace
}  // namespace srpo::dashboard
