// A problem made for small models, with solutions to be imitated and one to be
// criticised.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "records/problem.h"
#include "rl/prompts.h"

namespace srpo::rl {

/// Two sets without a common question, whatever seed and range: the hash of a question
/// says which of them it belongs to.
enum class ProblemSet { kTrain, kHeldOut };

/// One question in eight is held out.
ProblemSet problem_set_of(std::string_view question);

struct WorkedProblem {
  records::Problem problem;  ///< id `TASK/SEED/SET/levelN/NUMBER`
  /// Worked thoughts, each closed by `</thought>`, the last with the boxed answer.
  std::string solution;
  /// What somebody in haste writes.
  std::string hasty_solution;
  /// A wrong answer whose cause lies in one place.
  std::string wrong_solution;
  /// 1-based; uniform over the thoughts but for rare cases at the bounds.
  int first_wrong_thought = 1;
};

/// The level that an id records; nothing for ids of other forms.
std::optional<int> level_of(std::string_view task, const std::string& problem_id);

/// The thoughts of a solution, delimiters removed.
std::vector<std::string> split_thoughts(const std::string& solution);

/// A prompt and what the model should say to it; the end-of-text token is to be put
/// behind both kinds of response.
struct Demonstration {
  std::string prompt;
  std::string response;
};

Demonstration solve_demonstration(PromptStyle style, const WorkedProblem& problem);

Demonstration hasty_demonstration(PromptStyle style, const WorkedProblem& problem);

/// The wrong solution is shown; the response is `\boxed{first_wrong_thought}`.
Demonstration localization_demonstration(PromptStyle style, const WorkedProblem& problem);

/// "12+7=19" of a thought as a chain has it: without delimiter, box and white space.
std::string bare_step(const std::string& thought);

}  // namespace srpo::rl
