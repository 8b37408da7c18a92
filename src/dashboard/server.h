// The page's server: one thread of its own, which nothing in the run waits for.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dashboard/dashboard_config.h"
#include "dashboard/page_content.h"
#include "dashboard/run_feed.h"

namespace srpo::dashboard {

/// Limits that keep a run's process from harm, whoever connects.
struct ServerLimits {
  size_t connections = 256;  ///< beyond them the one that is idle longest is closed
  size_t listeners = 64;     ///< to events; beyond them the oldest is closed
};

/// Serves from its construction to its end. Thread-safe.
class Server {
 public:
  /// Tries the port and the nine behind it. Throws kBadInput when all are taken, or the
  /// address is none of this machine's. Borrows the feed.
  Server(const DashboardConfig& config, const RunNames& names, RunFeed& feed,
         const ServerLimits& limits = {});
  /// Sends what has come last, and closes.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;
  /// For a browser on this machine; without the token.
  std::string url() const;
  /// What X-SRPO-Action must say.
  const std::string& action_key() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace srpo::dashboard
