// Reads a Jinja template into its syntax tree.
#pragma once

#include <string>

#include "text/jinja_syntax.h"

namespace srpo::text {

/// Throws kBadFile, naming `place` and the line, for what is wrong or not supported
/// (macros, includes, raw, ...).
JinjaBody parse_jinja(const std::string& source, const std::string& place);

}  // namespace srpo::text
