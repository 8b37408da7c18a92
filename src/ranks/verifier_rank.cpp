#include "ranks/verifier_rank.h"

#include "core/log.h"

namespace srpo::ranks {

VerifierRank::VerifierRank(actors::Runtime& runtime, const std::string& job_yaml)
    : self_(identify_rank(runtime, job_yaml)), verifiers_(self_.config.verify) {
  for (const std::string& kind : self_.config.problem_kinds()) verifiers_.of_kind(kind);
}

records::Verdict VerifierRank::verify(records::Problem problem, std::string response) {
  records::Verdict verdict = verifiers_.verify(problem, response);
  if (verdict.reward >= 0 && verdict.reward <= 1) return verdict;
  LOG(warn) << "the verifier of kind '" << problem.kind << "' gives problem '"
            << problem.id << "' reward " << verdict.reward
            << " (expected 0 .. 1): it counts as an error";
  verdict.kind = records::VerdictKind::kError;
  verdict.reward = 0;
  return verdict;
}

RankUsage VerifierRank::usage() {
  RankUsage usage = measure_usage(self_.rank, self_.role);
  const verify::CacheCounts counts = verifiers_.cache_counts();
  usage.cache_lookups = counts.lookups;
  usage.cache_hits = counts.hits;
  return usage;
}

}  // namespace srpo::ranks
