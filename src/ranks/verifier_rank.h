// A verifier: judges responses.
#pragma once

#include <map>
#include <memory>

#include "actors/actor.h"
#include "ranks/protocol.h"
#include "verify/verifier.h"

namespace srpo::ranks {

/// One thread only: the reactor's.
class VerifierRank final : public actors::Actor {
 public:
  VerifierRank(int rank, std::string role) : rank_(rank), role_(std::move(role)) {}

  records::Verdict verify(records::Problem problem, std::string response);
  RankUsage usage() { return measure_usage(rank_, role_); }

  using Methods = actors::MethodList<&VerifierRank::verify, &VerifierRank::usage>;

 private:
  int rank_;
  std::string role_;
  std::map<std::string, std::unique_ptr<verify::Verifier>> verifiers_;  // by problem kind
};

}  // namespace srpo::ranks
