#include "verify/verifier_set.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "verify/make_verifier.h"
#include "verify/sandbox.h"

namespace srpo::verify {
namespace {

void check_command(const VerifyConfig& config, const std::string& kind) {
  REQUIRE(
      kind != "command" || config.command, kBadConfig,
      "problems of kind 'command' need section verify.command with `run`, the command "
      "that judges them");
}

}  // namespace

bool needs_sandbox(const std::string& kind) {
  return kind == "code" || kind == "command";
}

void check_kind(const VerifyConfig& config, const std::string& kind) {
  make_verifier(kind);
  check_command(config, kind);
  if (!needs_sandbox(kind)) return;
  SandboxConfig one_slot = config.sandbox;
  one_slot.slots = 1;
  const Sandbox sandbox(one_slot);
}

VerifierSet::VerifierSet(const VerifyConfig& config) : config_(config) {
  configure_sandbox(config_.sandbox_for_workers());
  add_languages(config_.languages);
  if (config_.command) configure_command(*config_.command);
}

std::unique_ptr<Verifier> VerifierSet::make(const std::string& kind) const {
  check_command(config_, kind);
  if (needs_sandbox(kind)) {
    const Sandbox& sandbox = Sandbox::shared();
    const bool is_first =
        std::none_of(verifiers_.begin(), verifiers_.end(),
                     [](const auto& made) { return needs_sandbox(made.first); });
    if (is_first) {
      LOG(info) << "sandbox: " << sandbox.description()
                << ", slots=" << sandbox.config().slots;
    }
  }
  if (kind == "math") {
    return std::make_unique<MathVerifier>(config_.math, config_.math_options);
  }
  if (kind == "math_equivalence") {
    return std::make_unique<MathVerifier>(MathMode::kEquivalence, config_.math_options);
  }
  if (kind == "math_both") {
    return std::make_unique<MathVerifier>(MathMode::kBoth, config_.math_options);
  }
  return make_verifier(kind);
}

const Verifier& VerifierSet::of_kind(const std::string& kind) {
  const std::lock_guard lock(mutex_);
  const auto at = verifiers_.find(kind);
  if (at != verifiers_.end()) return *at->second;
  return *verifiers_.emplace(kind, make(kind)).first->second;
}

void VerifierSet::stop() {
  const std::lock_guard lock(mutex_);
  for (const auto& [kind, verifier] : verifiers_) {
    if (needs_sandbox(kind)) Sandbox::shared().stop();
  }
}

CacheCounts VerifierSet::cache_counts() const {
  const std::lock_guard lock(mutex_);
  CacheCounts total;
  for (const auto& [kind, verifier] : verifiers_) {
    const CacheCounts counts = verifier->cache_counts();
    total.lookups += counts.lookups;
    total.hits += counts.hits;
  }
  return total;
}

}  // namespace srpo::verify
