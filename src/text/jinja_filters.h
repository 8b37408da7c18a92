// The filters that templates may call.
#pragma once

#include "text/jinja_call.h"

namespace srpo::text {

/// `subject | call.name(...)`; an unknown name throws kBadFile.
JinjaValue apply_jinja_filter(const JinjaValue& subject, const JinjaCall& call);

}  // namespace srpo::text
