// All verifiers of a process, as its job configures them.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "verify/verifier.h"
#include "verify/verify_config.h"

namespace srpo::verify {

/// Makes each verifier when its kind is first asked for. Thread-safe. One a process: it
/// configures the sandbox, the languages and the command that all verifiers share.
class VerifierSet {
 public:
  /// Throws kBadConfig when the shared sandbox is up already.
  explicit VerifierSet(const VerifyConfig& config);

  /// The verifier of this kind, ready: a kind that runs programs has its sandbox up when
  /// this returns. Throws kBadInput for an unknown kind, kBadConfig for one that cannot
  /// work here: the machine offers less than the configured rung, or there is no command.
  const Verifier& of_kind(const std::string& kind);

  records::Verdict verify(const records::Problem& problem, const std::string& response) {
    return of_kind(problem.kind).verify(problem, response);
  }

  /// Ends the programs that run, and runs no more: their verdicts are errors.
  void stop();

  /// Of all verifiers together.
  CacheCounts cache_counts() const;

 private:
  std::unique_ptr<Verifier> make(const std::string& kind) const;

  const VerifyConfig config_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Verifier>> verifiers_;
};

/// Whether problems of this kind are judged by running a program.
bool needs_sandbox(const std::string& kind);

/// Whether this machine can judge problems of this kind: throws what of_kind() would, and
/// leaves nothing running.
void check_kind(const VerifyConfig& config, const std::string& kind);

}  // namespace srpo::verify
