// Elements of a template's values.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja_call.h"

namespace srpo::text {

/// What a loop over the value goes through: elements, keys or characters.
JinjaList iterate_jinja_value(const JinjaValue& value, const JinjaCall& call);

/// `subject[index]`, undefined where there is none.
JinjaValue index_jinja_value(const JinjaValue& subject, const JinjaValue& index);

/// `subject[begin:end:step]`, each an integer or none; of a string or a list.
JinjaValue slice_jinja_value(const JinjaValue& subject, const JinjaCall& call);

/// Whether `container` holds `element`, by the meaning of Python's `in`.
bool is_in_jinja_value(const JinjaValue& element, const JinjaValue& container,
                       const JinjaCall& call);

/// Unicode characters of UTF-8, and back.
std::u32string characters_of(const std::string& text);
std::string text_of(std::u32string_view characters);

}  // namespace srpo::text
