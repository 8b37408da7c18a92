// Runs a parsed Jinja template.
#pragma once

#include <ctime>
#include <optional>
#include <string>

#include "text/jinja_syntax.h"

namespace srpo::text {

/// The text that the template writes. Throws kBadFile naming `place` and the line for
/// what fails or is not supported, or goes beyond the limits of JinjaBudget; kBadInput
/// where the template calls raise_exception. `now`: for strftime_now, else the clock.
std::string run_jinja(const JinjaBody& body, JinjaDict variables,
                      const std::string& place,
                      std::optional<std::time_t> now = std::nullopt);

}  // namespace srpo::text
