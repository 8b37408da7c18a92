// What filters and methods of templates do to text, with the meaning Python gives it.
#pragma once

#include <string>

#include "text/jinja_call.h"

namespace srpo::text {

std::string upper(const std::string& text);
std::string lower(const std::string& text);
/// The first character upper, all others lower.
std::string capitalize(const std::string& text);
/// Each word so, as the filter `title` has it.
std::string title(const std::string& text);

/// The arguments are those of the Python method or Jinja filter that the call names. All
/// pay for their work before they do it.
std::string replace(const std::string& text, const JinjaCall& call);
/// Strips white space, or the characters of the first argument.
std::string strip(const std::string& text, const JinjaCall& call, bool left, bool right);
JinjaValue split(const std::string& text, const JinjaCall& call);
/// The elements of the subject with the first argument between them.
std::string join(const JinjaValue& subject, const JinjaCall& call);
std::string indent(const std::string& text, const JinjaCall& call);

}  // namespace srpo::text
