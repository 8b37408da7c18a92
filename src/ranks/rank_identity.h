// What an actor knows of the rank it was made on, from the job alone: a process that
// replaces a lost one is told nothing else.
#pragma once

#include <string>

#include "actors/runtime.h"
#include "ranks/rank_layout.h"
#include "ranks/run_config.h"

namespace srpo::ranks {

struct RankIdentity {
  RunConfig config;
  int rank = 0;
  std::string role;  ///< all roles of the rank
};

/// `job_yaml` is the resolved job.
RankIdentity identify_rank(const actors::Runtime& runtime, const std::string& job_yaml);

}  // namespace srpo::ranks
