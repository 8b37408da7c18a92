#include "ranks/rank_identity.h"

namespace srpo::ranks {

RankIdentity identify_rank(const actors::Runtime& runtime, const std::string& job_yaml) {
  RankIdentity identity;
  identity.config = RunConfig::read(core::ConfigTable::parse(job_yaml, "job"));
  identity.rank = runtime.rank();
  const RoleCounts& counts = identity.config.ranks;
  identity.role =
      RankLayout::plan(counts, runtime.size() + counts.spares).role_of(identity.rank);
  return identity;
}

}  // namespace srpo::ranks
