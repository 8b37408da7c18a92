// Runs programs that nobody trusts: a pool of slots, one run at a time in each.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "verify/sandbox_config.h"
#include "verify/sandbox_messages.h"

namespace srpo::verify {

/// Owns a launcher process (srpo_sandbox_launcher, found beside the running program) and
/// its slots. The launcher is executed anew, so it has no memory, thread or descriptor of
/// this process, whenever it is started. Thread-safe.
class Sandbox {
 public:
  /// Throws kBadConfig when the machine offers less than the configured rung, saying what
  /// is missing.
  explicit Sandbox(const SandboxConfig& config);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// The sandbox of this process, started by the first call with what
  /// configure_sandbox() was given. Throws as the constructor does, at each call.
  static Sandbox& shared();

  /// Waits for a free slot, then for the run. Never throws for what the program does; a
  /// slot that dies gives kFailed and is replaced. Throws kBadInput for a run that is not
  /// one of the three forms.
  SandboxResult run(const SandboxRun& run);

  /// Ends all runs, also those that wait for a slot, and refuses later ones: kFailed.
  void stop();

  SandboxRung rung() const;
  /// One line: rung, what it consists of, and why it is not a better one.
  std::string description() const;
  const SandboxConfig& config() const;
  /// Process ids of the slots, for tests that kill them.
  std::vector<int> slot_processes() const;

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;
};

/// What Sandbox::shared() starts with. Call before its first use.
void configure_sandbox(const SandboxConfig& config);

}  // namespace srpo::verify
