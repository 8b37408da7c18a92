// Which rank plays which role: a pure function of the job and the number of ranks.
#pragma once

#include <string>
#include <vector>

#include "ranks/run_config.h"

namespace srpo::ranks {

/// Ranks of each role, ascending. Rank 0 is the scheduler.
struct RankLayout {
  std::vector<int> generators;
  std::vector<int> localizers;
  std::vector<int> verifiers;
  std::vector<int> learners;
  std::vector<int> spares;  ///< the last ones: no role yet
  int size = 1;             ///< spares included

  /// Counts given: one role a rank, in the order scheduler, generator, localization,
  /// verifier, learner, spares; the counts must add up to `size`. Auto: any size; below
  /// five ranks, ranks play several roles. Throws kBadConfig.
  static RankLayout plan(const RoleCounts& counts, int size);

  int num_slots() const { return size - static_cast<int>(spares.size()); }
  /// "scheduler", "spare", or "generator+learner" where a rank plays several.
  std::string role_of(int rank) const;
};

/// Whether a rank is one of a role's.
bool plays(const std::vector<int>& ranks_of_role, int rank);

}  // namespace srpo::ranks
