// How far one word is from another, for "did you mean".
#pragma once

#include <cstddef>
#include <string>

namespace srpo::core {

/// Letters to insert, drop or change (Levenshtein); O(|a| |b|) time.
size_t edit_distance(const std::string& a, const std::string& b);

}  // namespace srpo::core
