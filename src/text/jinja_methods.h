// The methods of strings and dicts that templates may call.
#pragma once

#include "text/jinja_call.h"

namespace srpo::text {

/// `subject.name(...)`; an unknown name throws kBadFile.
JinjaValue call_jinja_method(const JinjaValue& subject, const JinjaCall& call);

/// The pairs of a dict, as lists of two; none for an undefined subject.
JinjaValue items_of_jinja_value(const JinjaValue& subject, const JinjaCall& call);

}  // namespace srpo::text
