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
#include "rl/prompts.h"

namespace srpo::rl {

/// What is drawn; every level from the lowest to the highest is equally frequent.
struct ArithmeticRange {
  int lowest_level = 2;      ///< 1 .. highest_level
  int highest_level = 6;     ///< at most 16
  int highest_value = 999;   ///< of a running value, 20 .. 999; the lowest is 0
  int highest_operand = 99;  ///< of + and -, 2 .. 99; factors go to 9
};

/// Two sets without a common question, whatever seed and range: the hash of a question
/// says which of them it belongs to.
enum class ProblemSet { kTrain, kHeldOut };

struct ArithmeticProblem {
  records::Problem problem;  ///< id `arithmetic/SEED/SET/levelN/NUMBER`, kind "math"
  /// Worked thoughts, each closed by `</thought>`, the last with the boxed answer.
  std::string solution;
  /// The same in haste: from some thought on the answer at once, `12+7=19</thought>=42
  /// \boxed{42}</thought>`, with two or more operations left out. Right too, but who
  /// imitates it can only guess.
  std::string hasty_solution;
  /// The same with one thought spoilt (another result, operator or operand), and all
  /// later ones right from there on: a wrong answer whose cause lies in one place.
  std::string wrong_solution;
  /// 1-based; uniform over the thoughts but for rare cases at the bounds.
  int first_wrong_thought = 1;
};

/// A pure function of its arguments. Throws kBadConfig for a bad range.
ArithmeticProblem make_arithmetic_problem(uint64_t seed, uint64_t number,
                                          const ArithmeticRange& range, ProblemSet set);

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

Demonstration hasty_demonstration(PromptStyle style, const ArithmeticProblem& problem);

/// The wrong solution is shown; the response is `\boxed{first_wrong_thought}`.
Demonstration localization_demonstration(PromptStyle style,
                                         const ArithmeticProblem& problem);

}  // namespace srpo::rl
