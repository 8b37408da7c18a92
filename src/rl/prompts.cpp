#include "rl/prompts.h"

#include "core/error.h"
#include "text/thoughts.h"

namespace srpo::rl {
namespace {

constexpr char kSolveInstructions[] =
    R"(You solve the problem below by writing one reasoning step at a time.

Never solve the whole problem at once. Look at the steps that are already written, decide what the one next step is, write it down clearly, and close that step, and only that step, with </thought>.

A good step stands on its own and makes exactly one observation, calculation or deduction:
- It moves the work closer to the solution.
- It has substance: no "let me think", no repetition of the problem.
- It follows from the steps before it and does not contradict them.

The last step states the result as \boxed{answer} and, like every other step, is closed with </thought>.

)";

constexpr char kLocalizationTask[] =
    "Find the first erroneous step in your previous solution to this problem.\n\n";

constexpr char kScoreRevision[] = R"(

There may be an error in the solution above because the question was not understood. Correct it, if there is one, and write the solution anew. Close every step with </thought>, and state the final answer as \boxed{answer}.
)";

constexpr char kCritiqueRevision[] = R"(

Answer the question again. Correct the errors that there may be and address every issue that was raised. Write clear steps, close each one with </thought>, and state the final answer as \boxed{answer}.
)";

std::string localization_rules(size_t num_thoughts) {
  const std::string count = std::to_string(num_thoughts);
  return R"(
The final answer of this solution is incorrect, so at least one of its steps is wrong. Name the originating step: the one whose decision or action led the solution astray, not the one where the failure becomes visible.

A misread condition, an unjustified assumption or a flaw of logic can look fine for several steps before it shows.

A step is erroneous if what it claims cannot be justified from the problem and the earlier steps that you have verified.

Do not solve the problem again. Your only task is to give the number of that step.

Requirements:
- Give exactly one number between 1 and )" +
         count + R"(.
- Go through the steps in order and stop at the first one that cannot be justified.
- The last line of your reply must be \boxed{N} on a line of its own, where N is the number of the step, counted from 1, and not the answer to the problem. Write nothing after it.)";
}

}  // namespace

PromptStyle parse_prompt_style(const std::string& name) {
  if (name == "method") return PromptStyle::kMethod;
  REQUIRE(name == "terse", kBadConfig,
          "prompt style '" << name << "' (expected one of method, terse)");
  return PromptStyle::kTerse;
}

std::string solve_prompt(PromptStyle style, const std::string& question,
                         const std::string& examples) {
  if (style == PromptStyle::kTerse) return examples + question + "\n";
  return kSolveInstructions + examples + "Q: " + question + "\n";
}

std::string localization_prompt(PromptStyle style, const std::string& question,
                                const std::vector<std::string>& thoughts) {
  ENSURE(!thoughts.empty(), "a chain without thoughts has no wrong one");
  const bool terse = style == PromptStyle::kTerse;
  std::string prompt = terse ? "?" + question + "\n"
                             : kLocalizationTask + ("Problem:\n" + question) +
                                   "\n\nYour previous solution, which is incorrect:\n";
  for (size_t i = 0; i < thoughts.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    prompt += terse ? number + " " : "Step " + number + ": ";
    prompt += text::strip_delimiter(thoughts[i]) + "\n";
  }
  return terse ? prompt : prompt + localization_rules(thoughts.size());
}

RevisionWording revision_wording(const std::string& name, PromptStyle style,
                                 const std::string& question, const std::string& examples,
                                 bool correct) {
  const bool terse = style == PromptStyle::kTerse;
  if (name == "score_revision") {
    return {solve_prompt(style, question, examples), terse ? "\n!\n" : kScoreRevision};
  }
  REQUIRE(
      name == "critique_revision", kBadConfig,
      "revision '" << name << "' (expected one of score_revision, critique_revision)");
  if (terse) return {examples + question + "\n", correct ? "\n!+\n" : "\n!-\n"};
  return {"Q: " + question + "\n\nA previous solution:\n",
          std::string("\n\nCritique: the final answer of this solution is ") +
              (correct ? "correct." : "incorrect.") + kCritiqueRevision};
}

std::string localization_stop(PromptStyle style) {
  return style == PromptStyle::kTerse ? "}" : "";
}

}  // namespace srpo::rl
