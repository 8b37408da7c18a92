// Runs a Jinja template.
#pragma once

#include <string>

#include "text/jinja_syntax.h"

namespace srpo::text {

/// The text that the template writes, given its variables. It can reach nothing else.
/// Throws kBadFile, naming `place` and the line, for what is not supported or takes too
/// long or too much; kBadInput for the template's own raise_exception.
std::string run_jinja(const JinjaBody& body, JinjaDict variables,
                      const std::string& place);

}  // namespace srpo::text
