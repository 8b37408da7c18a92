// A verifier: judges responses, several at a time.
#pragma once

#include <string>

#include "actors/actor.h"
#include "ranks/protocol.h"
#include "ranks/rank_identity.h"
#include "verify/verifier_set.h"

namespace srpo::ranks {

/// verify() runs on the threads of the runtime's pool, of which there are as many as
/// `verify.workers`; everything else on the reactor.
class VerifierRank final : public actors::Actor {
 public:
  /// Starts what the job's kinds of problems need. Throws kBadConfig, before any work,
  /// where this machine cannot judge one of them. `job_yaml` is the resolved job.
  VerifierRank(actors::Runtime& runtime, const std::string& job_yaml);

  records::Verdict verify(records::Problem problem, std::string response);
  RankUsage usage();

  /// How many may be started; how many run at a time is up to the pool.
  static constexpr int kMostStarted = 1 << 16;
  using Methods = actors::MethodList<actors::method<&VerifierRank::verify>(
                                         {.concurrency = kMostStarted, .on_pool = true}),
                                     &VerifierRank::usage>;

 private:
  RankIdentity self_;
  verify::VerifierSet verifiers_;
};

}  // namespace srpo::ranks
