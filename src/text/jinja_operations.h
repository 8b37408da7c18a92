// The operators of templates, with the meaning Python gives them.
#pragma once

#include <string>

#include "text/jinja_call.h"

namespace srpo::text {

/// `left what right` for + - * / // % ~. Throws kBadFile for what Python refuses, and for
/// numbers beyond 64 bits.
JinjaValue apply_jinja_operator(const std::string& what, const JinjaValue& left,
                                const JinjaValue& right, const JinjaCall& call);

/// `what value` for + - not.
JinjaValue apply_jinja_sign(const std::string& what, const JinjaValue& value,
                            const JinjaCall& call);

/// `left what right` for == != < <= > >= in, not in.
bool compare_jinja_values(const std::string& what, const JinjaValue& left,
                          const JinjaValue& right, const JinjaCall& call);

}  // namespace srpo::text
