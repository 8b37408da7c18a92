// Sections `verify`, `code` and `sandbox` of a job file: how responses are judged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config_table.h"
#include "verify/code_language.h"
#include "verify/command_verifier.h"
#include "verify/math_verifier.h"
#include "verify/sandbox_config.h"

namespace srpo::verify {

struct VerifyConfig {
  uint32_t workers = 0;                  ///< checks at a time; 0: one a core
  MathMode math = MathMode::kStrict;     ///< how problems of kind `math` are judged
  MathOptions math_options;              ///< of equivalence
  std::optional<CommandConfig> command;  ///< of problems of kind `command`
  std::vector<CodeLanguage> languages;   ///< beside the built-in ones
  SandboxConfig sandbox;

  /// From a whole job: `verify` {workers, math, decimal_places, last_expression,
  /// decimal_comma, percent_is_unit, command}, `code` {languages}, `sandbox`. Throws
  /// kBadConfig; kBadFile for files of the command.
  static VerifyConfig read(const core::ConfigTable& job);

  /// `workers`, or the number of cores.
  uint32_t num_workers() const;
  /// `sandbox` with a slot for each worker where it does not say how many.
  SandboxConfig sandbox_for_workers() const;
};

}  // namespace srpo::verify
