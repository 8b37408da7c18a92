// A verifier: judges responses, several at a time.
#pragma once

#include <string>

#include "actors/actor.h"
#include "ranks/protocol.h"
#include "ranks/run_config.h"
#include "verify/verifier_set.h"

namespace srpo::ranks {

/// verify() runs on the threads of the runtime's pool, of which there are as many as
/// `verify.workers`; everything else on the reactor.
class VerifierRank final : public actors::Actor {
 public:
  /// Starts what the job's kinds of problems need. Throws kBadConfig, before any work,
  /// where this machine cannot judge one of them.
  VerifierRank(const RunConfig& config, int rank, std::string role);

  records::Verdict verify(records::Problem problem, std::string response);
  RankUsage usage();

  /// Ends the checks that still run: nobody waits for them any more.
  void stop() { verifiers_.stop(); }

  /// How many may be started; how many run at a time is up to the pool.
  static constexpr int kMostStarted = 1 << 16;
  using Methods = actors::MethodList<actors::method<&VerifierRank::verify>(
                                         {.concurrency = kMostStarted, .on_pool = true}),
                                     &VerifierRank::usage>;

 private:
  int rank_;
  std::string role_;
  verify::VerifierSet verifiers_;
};

}  // namespace srpo::ranks
