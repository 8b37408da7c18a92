#include "dashboard/http_routes.h"

#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/random.h"
#include "support/random_trees.h"
#include "support/scratch_folder.h"

namespace srpo::dashboard {
namespace {

class HttpRoutesTest : public testing::Test {
 protected:
  void SetUp() override {
    content_ = std::make_unique<PageContent>(RunNames{
        "a run", folder_.path(), "run: {}\n", "digest", {"scheduler", "generator"}});
    make_routes();
  }

  void make_routes() {
    routes_ =
        std::make_unique<HttpRoutes>(config_, uint16_t{1}, "the key", *content_, feed_);
  }

  HttpAnswer ask(const HttpQuestion& question) { return routes_->answer(question, {}); }
  HttpAnswer get(const std::string& target) {
    return ask({"GET", target, "127.0.0.1:1", "", "", ""});
  }

  test::ScratchFolder folder_;
  DashboardConfig config_;
  RunFeed feed_;
  std::unique_ptr<PageContent> content_;
  std::unique_ptr<HttpRoutes> routes_;
};

TEST_F(HttpRoutesTest, ServesEachPartOfTheDocument) {
  for (uint32_t slot = 0; slot < 20; ++slot)
    feed_.post(analysis::digest_of(test::RandomTrees(5).training(1, slot), true));
  feed_.post(MetricLine{1, {{"train/loss", 0.5}}});
  content_->take(feed_);
  const auto document = nlohmann::json::parse(get("/api/v1/document").body);
  EXPECT_EQ(document["totals"]["trees"], 20);
  for (const char* part : {"totals", "steps", "validation", "resets", "metrics",
                           "timeline", "generators", "trees", "notes"}) {
    const HttpAnswer answer = get(std::string("/api/v1/part?name=") + part);
    EXPECT_EQ(answer.status, 200) << part;
    EXPECT_EQ(nlohmann::json::parse(answer.body), document[part]) << part;
  }
  EXPECT_EQ(get("/api/v1/part?name=nothing").status, 400);
  EXPECT_EQ(get("/api/v1/part").status, 400);
}

TEST_F(HttpRoutesTest, EveryPathOfTheOpenApiFileAnswers) {
  const auto api = nlohmann::json::parse(get("/api/v1/openapi.json").body);
  EXPECT_EQ(api["openapi"], "3.0.3");
  for (const auto& [path, methods] : api["paths"].items()) {
    if (!methods.contains("get")) continue;
    std::string target = path;
    if (path == "/api/v1/part") target += "?name=totals";
    const int status = get(target).status;
    if (path == "/api/v1/logs") {
      EXPECT_EQ(status, 400);
    } else {
      EXPECT_EQ(status, 200) << target;
    }
  }
  EXPECT_EQ(get("/index.html").status, 404);
  EXPECT_EQ(ask({"PUT", "/", "localhost", "", "", ""}).status, 405);
}

TEST_F(HttpRoutesTest, TellsPrometheusInItsFormat) {
  RunState state;
  state.step = 7;
  state.ranks = {{1, "gen\"er\\ator", true, 3}};
  feed_.post(state);
  feed_.post(MetricLine{1, {{"train/loss", 0.5}}});
  content_->take(feed_);
  const std::string text = get("/metrics").body;
  EXPECT_NE(text.find("# TYPE srpo_step gauge\nsrpo_step 7\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("srpo_rank_in_hand{rank=\"1\",role=\"gen\\\"er\\\\ator\"} 3\n"),
            std::string::npos);
  EXPECT_NE(text.find("srpo_metric{name=\"train/loss\"} 0.5\n"), std::string::npos);
}

TEST_F(HttpRoutesTest, WithoutATokenOnlyItsOwnNamesAreAnswered) {
  for (const char* host : {"localhost:1", "127.0.0.1:1", "[::1]:1", "localhost"})
    EXPECT_EQ(ask({"GET", "/why", host, "", "", ""}).status, 200) << host;
  for (const char* host :
       {"evil.example", "evil.example:1", "", "127.0.0.1.evil.example"})
    EXPECT_EQ(ask({"GET", "/why", host, "", "", ""}).status, 403) << host;
}

TEST_F(HttpRoutesTest, WithATokenNothingIsToldWithoutIt) {
  config_.token = "abcdefghijkl";
  make_routes();
  for (const char* path : {"/", "/why", "/metrics", "/api/v1/status", "/api/v1/document",
                           "/api/v1/logs?rank=0", "/nothing"})
    EXPECT_EQ(get(path).status, 401) << path;
  EXPECT_EQ(ask({"GET", "/why", "any", "Bearer abcdefghijkl", "", ""}).status, 200);
  EXPECT_EQ(ask({"GET", "/why", "any", "Bearer abcdefghijkm", "", ""}).status, 401);
  EXPECT_EQ(ask({"GET", "/why", "any", "", "a=b; srpo_token=abcdefghijkl", ""}).status,
            200);
  const HttpAnswer first = get("/?token=abcdefghijkl");
  EXPECT_EQ(first.status, 303);
  ASSERT_EQ(first.headers.size(), 2U);
  EXPECT_NE(first.headers[1].second.find("HttpOnly; SameSite=Strict"), std::string::npos);
}

TEST_F(HttpRoutesTest, DrainsOnlyWithTheKeyOrTheToken) {
  EXPECT_EQ(ask({"GET", "/api/v1/drain", "localhost", "", "", "the key"}).status, 404);
  EXPECT_EQ(ask({"POST", "/api/v1/drain", "localhost", "", "", ""}).status, 403);
  EXPECT_EQ(ask({"POST", "/api/v1/drain", "localhost", "", "", "the kez"}).status, 403);
  EXPECT_EQ(ask({"POST", "/api/v1/drain", "evil.example", "", "", "the key"}).status,
            403);
  EXPECT_EQ(ask({"POST", "/", "localhost", "", "", "the key"}).status, 404);
  EXPECT_FALSE(feed_.drain_is_asked_for());
  EXPECT_EQ(ask({"POST", "/api/v1/drain", "localhost", "", "", "the key"}).status, 202);
  EXPECT_TRUE(feed_.drain_is_asked_for());
}

TEST_F(HttpRoutesTest, ReadsTheEndOfALogAndNoOtherFile) {
  std::filesystem::create_directories(folder_ / "logs");
  std::ofstream(folder_ / "secret.log") << "secret";
  {
    std::ofstream log(folder_ / "logs/rank-1.log");
    for (int i = 0; i < 20000; ++i) log << "line " << i << "\n";
  }
  const HttpAnswer end = get("/api/v1/logs?rank=1");
  EXPECT_EQ(end.status, 200);
  EXPECT_LE(end.body.size(), 65536U);
  EXPECT_EQ(end.body.rfind("line ", 0), 0U);
  EXPECT_NE(end.body.find("line 19999\n"), std::string::npos);
  EXPECT_EQ(get("/api/v1/logs?rank=0").status, 404);
  for (const char* rank : {"", "2", "-1", "1.5", "../secret", "..%2Fsecret", "1%00", "+1",
                           "1/../../secret", "99999999999999999999", "0x1", " 1"})
    EXPECT_EQ(get(std::string("/api/v1/logs?rank=") + rank).status, 400) << rank;
}

TEST_F(HttpRoutesTest, PathsThatClimbFindNothing) {
  for (const char* path :
       {"/../job.yaml", "/..%2fjob.yaml", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
        "/api/v1/../../status.json", "/api/v1/logs/../../job.yaml", "/job.yaml",
        "/api/v1/part/../../../etc/passwd", "\\..\\job.yaml", "/./", "*", "http://a/b",
        ""})
    EXPECT_EQ(get(path).status, 404) << path;
}

TEST_F(HttpRoutesTest, RandomQuestionsGetAnAnswer) {
  core::Rng rng(11, core::Purpose::kTest, 1);
  const std::vector<std::string> words = {
      "/", "api", "v1", "document", "?",    "&",    "=",   "name",     "rank",  "token",
      "%", "%00", "..", "%2e",      "\xFF", "logs", "why", "<script>", "drain", ";"};
  const auto random_text = [&](size_t most) {
    std::string text;
    for (size_t i = rng.below(most); i > 0; --i) {
      text += rng.below(4) == 0 ? std::string(1, static_cast<char>(rng.below(256)))
                                : words[rng.below(words.size())];
    }
    return text;
  };
  config_.token = "";
  for (int i = 0; i < 20000; ++i) {
    HttpQuestion question{rng.below(3) == 0 ? "POST" : "GET",
                          random_text(12),
                          rng.below(2) == 0 ? "localhost" : random_text(3),
                          random_text(4),
                          random_text(6),
                          random_text(3)};
    const HttpAnswer answer = ask(question);
    ASSERT_GE(answer.status, 200);
    ASSERT_LT(answer.status, 500);
  }
  EXPECT_FALSE(feed_.drain_is_asked_for());
}

TEST(QueryValue, DecodesAndFindsNames) {
  EXPECT_EQ(query_value("a=1&rank=2&b=3", "rank"), "2");
  EXPECT_EQ(query_value("a=%41%2b+%zz%4", "a"), "A+ %zz%4");
  EXPECT_EQ(query_value("rank", "rank"), "");
  EXPECT_EQ(query_value("xrank=2", "rank"), "");
}

}  // namespace
}  // namespace srpo::dashboard
