#include "ranks/verifier_rank.h"

#include "verify/make_verifier.h"

namespace srpo::ranks {

records::Verdict VerifierRank::verify(records::Problem problem, std::string response) {
  auto& verifier = verifiers_[problem.kind];
  if (!verifier) verifier = verify::make_verifier(problem.kind);
  return verifier->verify(problem, response);
}

}  // namespace srpo::ranks
