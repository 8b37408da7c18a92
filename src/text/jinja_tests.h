// The tests that templates may ask.
#pragma once

#include "text/jinja_call.h"

namespace srpo::text {

/// `subject is call.name(...)`; an unknown name throws kBadFile.
bool apply_jinja_test(const JinjaValue& subject, const JinjaCall& call);

}  // namespace srpo::text
