// The `dashboard` section of a job.
#pragma once

#include <cstdint>
#include <string>

#include "core/config_table.h"

namespace srpo::dashboard {

struct DashboardConfig {
  bool serves = false;  ///< a port was given
  uint16_t port = 0;    ///< 0: any free one
  std::string host = "127.0.0.1";
  std::string token;         ///< empty: none is asked for; loopback only
  bool activity = true;      ///< activity.jsonl, behind the page's timeline
  bool tensorboard = false;  ///< event files in RUN/tensorboard

  /// Reads the section; throws kBadConfig for a host that is no address, a short token,
  /// and an address that others can reach without a token.
  static DashboardConfig read(const core::ConfigTable& job);

  /// With the token that `token: $NAME` takes from the environment, so that no secret
  /// stands in a job file. Only for the rank that serves: throws kBadConfig where the
  /// environment has none.
  DashboardConfig with_token_of_environment() const;
};

}  // namespace srpo::dashboard
