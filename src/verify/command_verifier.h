// Judges by a command of the user's, in the sandbox: JSON on its standard input, JSON on
// its standard output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config_table.h"
#include "verify/sandbox.h"
#include "verify/verifier.h"

namespace srpo::verify {

struct CommandConfig {
  std::string run;                 ///< a shell line
  std::vector<SandboxFile> files;  ///< copied into its working folder for each check
  double time_limit_s = 10;
  uint64_t memory_mb = 1024;

  /// Section `command` of a job file: {run, files, time_limit_s, memory_mb}; files are
  /// paths with spaces between them, read now. Throws kBadConfig, kBadFile.
  static CommandConfig read(const core::ConfigTable& table);
};

/// The command reads one line {"id", "question", "reference", "response"} (bytes that are
/// not UTF-8 replaced) and writes {"verdict": "correct" | "wrong" | "unparsable"} with,
/// if it likes, "reward" in [0, 1] (else 1 or 0) and "answer". Past its limits: timeout
/// or resource_limit. Anything else it does (another exit code than 0, other output):
/// error, reward 0, and one line in the log that says what.
class CommandVerifier : public Verifier {
 public:
  /// With what configure_command() was given, and Sandbox::shared().
  CommandVerifier() = default;
  /// Borrows the sandbox.
  CommandVerifier(CommandConfig config, Sandbox& sandbox)
      : config_(std::move(config)), sandbox_(&sandbox) {}

  /// Throws kBadConfig when there is no command or no sandbox.
  records::Verdict verify(const records::Problem& problem,
                          const std::string& response) const override;
  records::Verdict verify_explained(const records::Problem& problem,
                                    const std::string& response,
                                    Explanation& explanation) const override;

 private:
  std::optional<CommandConfig> config_;
  Sandbox* sandbox_ = nullptr;
};

/// For CommandVerifiers made without a configuration. Before the first verdict.
void configure_command(const CommandConfig& config);

}  // namespace srpo::verify
