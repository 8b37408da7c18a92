#include "ranks/verifier_rank.h"

namespace srpo::ranks {

VerifierRank::VerifierRank(const RunConfig& config, int rank, std::string role)
    : rank_(rank), role_(std::move(role)), verifiers_(config.verify) {
  for (const std::string& kind : config.problem_kinds()) verifiers_.of_kind(kind);
}

records::Verdict VerifierRank::verify(records::Problem problem, std::string response) {
  return verifiers_.verify(problem, response);
}

RankUsage VerifierRank::usage() {
  RankUsage usage = measure_usage(rank_, role_);
  const verify::CacheCounts counts = verifiers_.cache_counts();
  usage.cache_lookups = counts.lookups;
  usage.cache_hits = counts.hits;
  return usage;
}

}  // namespace srpo::ranks
