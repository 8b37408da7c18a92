// The functions that every template sees.
#pragma once

#include <ctime>
#include <optional>
#include <string>

#include "text/jinja_call.h"

namespace srpo::text {

/// raise_exception, namespace, dict, range, strftime_now.
bool is_jinja_global(const std::string& name);

/// Calls one of them. `now`: the time that strftime_now tells; the clock's when there is
/// none. raise_exception throws kBadInput.
JinjaValue call_jinja_global(const JinjaCall& call, std::optional<std::time_t> now);

}  // namespace srpo::text
