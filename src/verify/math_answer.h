// Finds a boxed answer and compares it with the reference: the strict rules of the
// Hendrycks MATH scorer.
//
// No algebra and no tolerance: two answers are the same when their normalised strings
// are. So 0.50 is not 0.5, and 7.0 is not 7; what the rules do know is in
// normalize_answer. All functions take linear time and accept any bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace srpo::verify {

/// What stands in the last `\boxed{...}`, braces balanced. Nothing when there is no box,
/// the last one never closes, or
/// `\boxed` is followed by something else (`\fbox` is no box).
/// If `\boxed` and a space occur anywhere, that form wins: the answer is everything
/// behind the last of them up to the next `$`, or to the end.
std::optional<std::string> boxed_answer(std::string_view response);

/// The normal form: units, percent and dollar signs, degree marks, sizes of brackets and
/// spaces dropped; `dfrac` and `tfrac` made `frac`; arguments of `\frac` and `\sqrt`
/// braced; `x=` dropped; `.5` made `0.5`, `0.5` and integer `a/b` made `\frac`. Nothing
/// when the rules do not apply: `\frac` or `\sqrt` without an argument, or two `\text{ `.
std::optional<std::string> normalize_answer(std::string_view answer);

/// Equal normal forms; equal strings when either has none.
bool same_answer(const std::string& answer, const std::string& reference);

}  // namespace srpo::verify
