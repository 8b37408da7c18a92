// Makes multi-step arithmetic problems that a tiny model can learn, with worked and with
// spoilt solutions.
//
// A problem is a starting value and operations that are applied from left to right, `12
// +7 -5 *3`. Each thought is one operation on the running value and the last one states
// the answer:
//   12+7=19</thought>19-5=14</thought>14*3=42 \boxed{42}</thought>
// All values lie in 0 .. 999. A level is a number of operations.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "records/problem.h"
#include "rl/prompts.h"

namespace srpo::rl {

/// Levels that problems are drawn from, both included: 1 <= lowest <= highest <= 16.
struct LevelRange {
  int lowest = 2;
  int highest = 6;
};

/// Two sets without a common question, whatever the seed: a question belongs to one of
/// them by its hash.
enum class ProblemSet { kTrain, kHeldOut };

struct ArithmeticProblem {
  records::Problem problem;  ///< id `arithmetic/SEED/SET/levelN/NUMBER`, kind "math"
  std::string solution;  ///< worked thoughts, each closed by `</thought>`, the last with
                         ///< the boxed answer
  /// The same with one thought spoilt (another result, operator or operand), and all
  /// later ones right from there on: a wrong answer whose cause lies in one place.
  std::string wrong_solution;
  int first_wrong_thought =
      1;  ///< 1-based; uniform over the thoughts but for rare cases at the bounds
};

/// A pure function of its arguments. Throws kBadConfig for a bad level range.
ArithmeticProblem make_arithmetic_problem(uint64_t seed, uint64_t number,
                                          LevelRange levels, ProblemSet set);

/// The level that an id of this task records; nothing for other ids.
std::optional<int> arithmetic_level(const std::string& problem_id);

/// The thoughts of a solution, delimiters removed.
std::vector<std::string> split_thoughts(const std::string& solution);

/// A prompt and what the model should say to it; the end-of-text token is to be put
/// behind both kinds of response.
struct Demonstration {
  std::string prompt;
  std::string response;
};

Demonstration solve_demonstration(PromptStyle style, const ArithmeticProblem& problem);

/// The wrong solution is shown; the response is `\boxed{first_wrong_thought}`.
Demonstration localization_demonstration(PromptStyle style,
                                         const ArithmeticProblem& problem);

}  // namespace srpo::rl
