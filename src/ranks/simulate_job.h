// `srpo_cluster --simulate`: how fast a job would be on other numbers of ranks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config_table.h"
#include "scheduler/layout_proposal.h"
#include "scheduler/world_model.h"

namespace srpo::ranks {

/// How long things take, and how that is known.
struct FittedWorld {
  scheduler::WorldModel model;
  uint64_t trees = 0;          ///< recorded ones it was fitted to; 0: all is assumed
  uint64_t trained_steps = 0;  ///< whose training times were measured
};

/// Fitted to the run folder of the job where that has shards and metrics; what it has no
/// example of stays as assumed. Throws kBadFile for a damaged folder.
FittedWorld world_of(const core::ConfigTable& job);

/// The layouts of each number of ranks, the fastest first; at least 5 ranks.
std::vector<scheduler::LayoutEstimate> layouts_of(const core::ConfigTable& job,
                                                  const scheduler::WorldModel& world,
                                                  uint32_t ranks);

/// The same for one layout.
scheduler::LayoutEstimate layout_of(const core::ConfigTable& job,
                                    const scheduler::WorldModel& world,
                                    const scheduler::LayoutEstimate& counts);

/// Prints model, layouts and a proposal. `rank_counts`: which numbers of ranks are
/// compared; empty: around what the job asks for. Returns the exit code.
int simulate_main(const std::string& job_file,
                  const std::vector<std::string>& assignments,
                  std::vector<uint32_t> rank_counts);

}  // namespace srpo::ranks
