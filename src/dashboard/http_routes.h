// What is answered to whom: requests in, answers out, no sockets.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dashboard/dashboard_config.h"
#include "dashboard/page_content.h"
#include "dashboard/prometheus_text.h"
#include "dashboard/run_feed.h"

namespace srpo::dashboard {

/// The parts of a request that matter; anything may be in them.
struct HttpQuestion {
  std::string method;
  std::string target;
  std::string host;
  std::string authorization;
  std::string cookie;
  std::string action_key;  ///< X-SRPO-Action
};

struct HttpAnswer {
  int status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool streams_events = false;  ///< the body is what comes
};

/// One thread only: the page's. Borrows everything.
class HttpRoutes {
 public:
  HttpRoutes(const DashboardConfig& config, uint16_t port, std::string action_key,
             PageContent& content, RunFeed& feed)
      : config_(config),
        port_(port),
        action_key_(std::move(action_key)),
        content_(content),
        feed_(feed) {}

  /// Never throws for what stands in a question.
  HttpAnswer answer(const HttpQuestion& question, const ServerCounts& counts);

 private:
  bool has_token(const HttpQuestion& question, const std::string& query_token) const;
  bool is_our_name(const std::string& host) const;
  HttpAnswer get(const std::string& path, const std::string& query,
                 const ServerCounts& counts);
  HttpAnswer post(const std::string& path, const HttpQuestion& question);
  HttpAnswer page();
  HttpAnswer part(const std::string& name);
  HttpAnswer log_of(const std::string& rank) const;

  const DashboardConfig& config_;
  uint16_t port_;
  std::string action_key_;
  PageContent& content_;
  RunFeed& feed_;
};

/// The value of a name in `a=1&b=2`, percent signs decoded; "" when it is not there.
std::string query_value(const std::string& query, const std::string& name);

/// Takes as long for any two texts of one length.
bool are_equal_secrets(const std::string& a, const std::string& b);

}  // namespace srpo::dashboard
