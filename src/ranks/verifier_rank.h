// A verifier: judges responses.
#pragma once

#include <map>
#include <memory>

#include "actors/actor.h"
#include "ranks/protocol.h"
#include "ranks/rank_identity.h"
#include "verify/verifier.h"

namespace srpo::ranks {

/// One thread only: the reactor's.
class VerifierRank final : public actors::Actor {
 public:
  /// `job_yaml` is the resolved job.
  VerifierRank(actors::Runtime& runtime, const std::string& job_yaml)
      : self_(identify_rank(runtime, job_yaml)) {}

  records::Verdict verify(records::Problem problem, std::string response);
  RankUsage usage() { return measure_usage(self_.rank, self_.role); }

  using Methods = actors::MethodList<&VerifierRank::verify, &VerifierRank::usage>;

 private:
  RankIdentity self_;
  std::map<std::string, std::unique_ptr<verify::Verifier>> verifiers_;  // by problem kind
};

}  // namespace srpo::ranks
