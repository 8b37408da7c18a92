// Finds the final answer in a response.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace srpo::verify {

struct FoundAnswer {
  std::string text;
  const char* place = "";  ///< "box", "answer phrase", "####", "whole response", ...
};

/// The last \boxed{...} (braces balanced; boxes joined by commas, "and" or "or" are one
/// answer), or an "answer is ..." behind it that holds a number or a formula; without
/// either, what follows the last ####. With `last_expression`, failing all that, the last
/// formula between dollar signs and the like, and then the last number. Linear time.
std::optional<FoundAnswer> find_answer(std::string_view response, bool last_expression);

}  // namespace srpo::verify
