// A run's numbers in Prometheus' text format.
#pragma once

#include <cstdint>
#include <string>

#include "dashboard/page_content.h"

namespace srpo::dashboard {

/// What the server counts of itself.
struct ServerCounts {
  uint64_t connections = 0;  ///< open now
  uint64_t listeners = 0;    ///< to events, now
  uint64_t requests = 0;
  uint64_t refused = 0;  ///< connections that were closed to make room
  uint64_t events = 0;   ///< sent
  uint64_t skipped = 0;  ///< events that a slow listener did not get
};

/// Format 0.0.4: HELP and TYPE before each family, label values escaped.
std::string prometheus_text(const PageContent& content, const ServerCounts& counts);

}  // namespace srpo::dashboard
