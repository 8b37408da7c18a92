#include "dashboard/server.h"

#include <chrono>
#include <list>
#include <sys/resource.h>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/random.h"
#include "dashboard/http_client.h"
#include "support/expect_error.h"
#include "support/recorded_run.h"
#include "support/scratch_folder.h"

namespace srpo::dashboard {
namespace {

using test::body_of;
using test::HttpClient;
using test::status_of;

class ServerTest : public testing::Test {
 protected:
  void SetUp() override { start(); }

  void start(const ServerLimits& limits = {}) {
    server_.reset();
    config_.serves = true;
    config_.port = 0;
    server_ = std::make_unique<Server>(
        config_, RunNames{"a run", folder_.path(), "run: {}\n", "digest", {"scheduler"}},
        feed_, limits);
  }
  uint16_t port() const { return server_->port(); }

  static RunState at_step(uint64_t step) {
    RunState state;
    state.step = step;
    return state;
  }

  test::ScratchFolder folder_;
  DashboardConfig config_;
  RunFeed feed_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, ServesThePageWithItsPolicy) {
  const std::string answer = HttpClient::get(port(), "/");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find("Content-Security-Policy: default-src 'none'"),
            std::string::npos);
  EXPECT_NE(answer.find("X-Content-Type-Options: nosniff"), std::string::npos);
  EXPECT_NE(body_of(answer).find("<!doctype html>"), std::string::npos);
}

TEST_F(ServerTest, AnswersSeveralRequestsOfOneConnectionAndAHeadWithoutBody) {
  const HttpClient client(port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send("GET /api/v1/why HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    EXPECT_EQ(status_of(client.read_until("[]")), 200);
  }
  const std::string head = HttpClient::ask(port(), "HEAD", "/");
  EXPECT_EQ(status_of(head), 200);
  EXPECT_EQ(body_of(head), "");
}

TEST_F(ServerTest, PushesEventsAndTheLastStateBeforeItCloses) {
  const HttpClient listener(port());
  ASSERT_TRUE(listener.send("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_NE(listener.read_until("\n\n").find("text/event-stream"), std::string::npos);
  feed_.post(at_step(5));
  EXPECT_NE(listener.read_until("\"step\":5,").find("event: status"), std::string::npos);
  feed_.post(at_step(6));
  server_.reset();
  EXPECT_NE(listener.read_until("").find("\"step\":6,"), std::string::npos);
}

TEST_F(ServerTest, ShowsWhatEarlierStartsHaveLeftAndEachTreeOnce) {
  server_.reset();
  const auto trees = test::record_run(folder_.path(), 3, 6, 2, 5);
  start();
  for (const auto& tree : trees) feed_.post(analysis::digest_of(tree, true));
  nlohmann::json totals;
  for (int i = 0; i < 100; ++i) {
    totals = nlohmann::json::parse(
        body_of(HttpClient::get(port(), "/api/v1/part?name=totals")));
    if (totals["trees"] == trees.size()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(totals["trees"], trees.size());
}

TEST_F(ServerTest, RefusesWhatIsTooLargeOrNoRequest) {
  const HttpClient large(port());
  large.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20000, 'x') +
             "\r\n\r\n");
  EXPECT_EQ(status_of(large.read_until("")), 431);
  const HttpClient body(port());
  body.send(
      "POST /api/v1/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
      "99999999\r\n\r\n");
  EXPECT_EQ(status_of(body.read_until("")), 413);
  const HttpClient noise(port());
  noise.send("\x16\x03\x01 this is no HTTP\r\n\r\n");
  EXPECT_EQ(status_of(noise.read_until("")), 400);
  EXPECT_FALSE(feed_.drain_is_asked_for());
}

TEST_F(ServerTest, SurvivesRandomBytes) {
  core::Rng rng(3, core::Purpose::kTest, 9);
  const std::string good =
      "GET /api/v1/logs?rank=0 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
      "Transfer-Encoding: chunked\r\nCookie: srpo_token=x\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (int i = 0; i < 400; ++i) {
    std::string bytes = good;
    for (uint64_t k = 1 + rng.below(8); k > 0; --k)
      bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    if (rng.below(2) == 0) bytes.resize(rng.below(bytes.size()));
    const HttpClient client(port(), 1);
    client.send(bytes);
  }
  EXPECT_EQ(status_of(HttpClient::get(port(), "/why")), 200);
  EXPECT_FALSE(feed_.drain_is_asked_for());
}

TEST_F(ServerTest, AThousandOpenConnectionsLeaveRoomForOneMore) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::list<HttpClient> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.emplace_back(port());
    ASSERT_TRUE(idle.back().is_open()) << i;
    // Some stay silent, some begin a request and never end it.
    if (i % 3 == 0) idle.back().send("GET / HTTP/1.1\r\nHost: loc");
  }
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(status_of(HttpClient::get(port(), "/why")), 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  const std::string metrics = body_of(HttpClient::get(port(), "/metrics"));
  const size_t at = metrics.find("\nsrpo_dashboard_connections ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_LE(std::atoi(metrics.c_str() + at + 28), 256);
}

TEST_F(ServerTest, TheOldestListenerMakesRoomAndASlowOneCostsNothing) {
  start({.connections = 256, .listeners = 2});
  const std::string request = "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const HttpClient oldest(port());
  oldest.send(request);
  oldest.read_until("\n\n");
  const HttpClient slow(port());
  slow.send(request);
  slow.read_until("\n\n");
  const HttpClient newest(port());
  newest.send(request);
  EXPECT_EQ(status_of(newest.read_until("\n\n")), 200);
  oldest.read_until("");  // comes back, for it is closed
  // Nobody reads from `slow`; what is posted costs the run nothing.
  const auto began = std::chrono::steady_clock::now();
  RunState large = at_step(1);
  large.why.assign(2000, std::string(100, 'w'));
  for (uint64_t step = 0; step < 2000; ++step) {
    large.step = step;
    feed_.post(large);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_NE(newest.read_until("\"step\":1999,").find("\"step\":1999,"),
            std::string::npos);
}

TEST_F(ServerTest, TakesTheNextPortWhenItsOwnIsTaken) {
  DashboardConfig same = config_;
  same.port = port();
  RunFeed feed;
  const RunNames names{"b", folder_.path(), "", "", {"scheduler"}};
  const Server second(same, names, feed);
  EXPECT_NE(second.port(), port());
  same.host = "203.0.113.9";
  test::expect_error(core::ErrorKind::kBadInput, "cannot listen at 203.0.113.9",
                     [&] { const Server third(same, names, feed); });
}

TEST(RunFeed, BoundsWhatNobodyFetches) {
  RunFeed feed;
  const auto digest = analysis::digest_of(test::RandomTrees(1).training(0, 0), false);
  for (size_t i = 0; i < RunFeed::kMostTrees + 5; ++i) feed.post(digest);
  EXPECT_EQ(feed.take().hidden_trees, 5U);
  EXPECT_TRUE(feed.take().is_empty());
  EXPECT_EQ(feed.take().hidden_trees, 5U);
}

}  // namespace
}  // namespace srpo::dashboard
