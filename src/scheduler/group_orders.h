// What a group asks of the scheduler after an event.
#pragma once

#include <cstdint>
#include <vector>

#include "records/ids.h"
#include "scheduler/workers.h"

namespace srpo::scheduler {

struct GroupOrders {
  struct Ask {
    Role role;
    records::TrajectoryId id;
    uint32_t size;    ///< tokens or characters it starts from
    int32_t urgency;  ///< within the group: 0 speculative, 1 needed, 2 ends a group
  };
  struct Stop {
    Role role;
    records::TrajectoryId id;
  };
  std::vector<Ask> asks;
  std::vector<Stop> stops;  ///< not needed any more, whether waiting or under way
  struct Release {
    uint32_t worker;
    records::TrajectoryId id;
  };
  std::vector<Release> releases;  ///< caches that are not needed any more
  uint32_t launched = 0;          ///< sequences begun
  uint32_t cancelled = 0;         ///< of those, stopped before they were drawn
  uint32_t discarded = 0;         ///< of those, drawn in vain
  bool decided = false;           ///< the tree is whole
};

}  // namespace srpo::scheduler
