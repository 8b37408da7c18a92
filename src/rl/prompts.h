// The wording: what the model is shown to solve a problem, and to find the first wrong
// thought of a failed chain.
#pragma once

#include <string>
#include <vector>

namespace srpo::rl {

enum class PromptStyle {
  kMethod,  ///< instructions for a language model (method §1.6, §2.4)
  kTerse,   ///< no words: for a tiny model that learns from rl/arithmetic_task.h
};

/// "method" or "terse"; throws kBadConfig otherwise.
PromptStyle parse_prompt_style(const std::string& name);

/// Plain text, no chat template; the response begins right behind it. `examples`: worked
/// examples of the user's own, put between instructions and question as they are; "" for
/// none, as in the method.
std::string solve_prompt(PromptStyle style, const std::string& question,
                         const std::string& examples = "");

/// Shows a failed chain and asks for the number of its first wrong thought as
/// `\boxed{N}`. kMethod is meant as one user turn of the model's chat template; kTerse as
/// plain text. Thoughts may still carry their delimiter; at least one.
std::string localization_prompt(PromptStyle style, const std::string& question,
                                const std::vector<std::string>& thoughts);

/// The text behind which the reply may be cut (GenerationRequest.limits.stops): "" where
/// only the end of text ends it.
std::string localization_stop(PromptStyle style);

/// What stands before and behind a first attempt in the prompt of a second one.
struct RevisionWording {
  std::string before;
  std::string behind;
};

/// "score_revision": the problem's own prompt, the attempt, and that there may be an
/// error in it. "critique_revision": the question, the attempt, and whether it was
/// correct. Plain text, as solve_prompt(). Throws kBadConfig for another name.
RevisionWording revision_wording(const std::string& name, PromptStyle style,
                                 const std::string& question, const std::string& examples,
                                 bool correct);

}  // namespace srpo::rl
