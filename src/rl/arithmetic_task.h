// Makes multi-step arithmetic problems that a tiny model can learn, with worked and with
// spoilt solutions.
//
// A problem is a starting value and operations that are applied from left to right:
//   12 +7 -5 *3
// Each thought is one operation on the running value; the last one states the answer:
//   12+7=19</thought>19-5=14</thought>14*3=42 \boxed{42}</thought>
// A level is a number of operations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/problem.h"
#include "rl/worked_problem.h"

namespace srpo::rl {

/// What is drawn; every level from the lowest to the highest is equally frequent.
struct ArithmeticRange {
  int lowest_level = 2;      ///< 1 .. highest_level
  int highest_level = 6;     ///< at most 16
  int highest_value = 999;   ///< of a running value, 20 .. 999; the lowest is 0
  int highest_operand = 99;  ///< of + and -, 2 .. 99; factors go to 9
};

/// The solution that leaves thoughts out does so from some thought on: the answer at
/// once, `12+7=19</thought>=42 \boxed{42}</thought>`, with two or more operations left
/// out. Right too, but who imitates it can only guess. The wrong one has one thought
/// spoilt (another result, operator or operand), and all later ones right from there on.
using ArithmeticProblem = WorkedProblem;

/// A pure function of its arguments. Throws kBadConfig for a bad range.
ArithmeticProblem make_arithmetic_problem(uint64_t seed, uint64_t number,
                                          const ArithmeticRange& range, ProblemSet set);

/// The level that an id of this task records; nothing for other ids.
std::optional<int> arithmetic_level(const std::string& problem_id);

/// 1-based: the first thought that is not the next operation on the running value with
/// its result; the last one when there is none. `thoughts` as a chain has them, at least
/// one.
uint32_t first_wrong_arithmetic(const records::Problem& problem,
                                const std::vector<std::string>& thoughts);

}  // namespace srpo::rl
