// Makes Countdown problems: reach a number from others by search, with worked and with
// spoilt solutions.
//
//   23 from 4 6 3 1
// Each thought puts two of the numbers that are left together; all have to be used:
//   6*3=18</thought>18+4=22</thought>22+1=23 \boxed{23}</thought>
// Numbers are whole and not negative, divisions without remainder. A thought can be right
// as a calculation and still be the mistake: from what it leaves, the number cannot be
// reached any more. A level is a number of operations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/problem.h"
#include "rl/worked_problem.h"

namespace srpo::rl {

/// What is drawn; every count from the lowest to the highest is equally frequent.
struct CountdownRange {
  int lowest_numbers = 3;   ///< 2 .. highest_numbers
  int highest_numbers = 4;  ///< at most 6
  int highest_number = 9;   ///< of those that are given, 2 .. 99; the lowest is 1
  int highest_value = 99;   ///< of every result, 10 .. 999
};

/// A pure function of its arguments. Kind "countdown", reference: the question. The hasty
/// solution takes any steps that are left, without a look at where they lead. Throws
/// kBadConfig for a bad range.
WorkedProblem make_countdown_problem(uint64_t seed, uint64_t number,
                                     const CountdownRange& range, ProblemSet set);

/// The level that an id of this task records; nothing for other ids.
std::optional<int> countdown_level(const std::string& problem_id);

/// 1-based: the first thought that is no step, or from which the number cannot be reached
/// any more; the last one when there is none. `thoughts` as a chain has them, at least
/// one.
uint32_t first_wrong_countdown(const records::Problem& problem,
                               const std::vector<std::string>& thoughts);

}  // namespace srpo::rl
