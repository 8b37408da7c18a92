#include "rl/worked_problem.h"

#include <charconv>

#include "text/thoughts.h"

namespace srpo::rl {
namespace {

constexpr uint32_t kHeldOutShare = 8;  // one question in so many is held out

/// FNV-1a, so that the two sets are the same on every machine and for ever.
uint32_t hash_of(std::string_view text) {
  uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

ProblemSet problem_set_of(std::string_view question) {
  // The low bits of FNV-1a are its weak ones.
  const uint32_t hash = hash_of(question);
  return (hash ^ (hash >> 16)) % kHeldOutShare == 0 ? ProblemSet::kHeldOut
                                                    : ProblemSet::kTrain;
}

std::optional<int> level_of(std::string_view task, const std::string& problem_id) {
  constexpr std::string_view kMark = "/level";
  const size_t at = problem_id.find(kMark);
  if (!problem_id.starts_with(std::string(task) + "/") || at == std::string::npos)
    return std::nullopt;
  int level = 0;
  const char* begin = problem_id.data() + at + kMark.size();
  const auto [stop, error] =
      std::from_chars(begin, problem_id.data() + problem_id.size(), level);
  if (error != std::errc()) return std::nullopt;
  return level;
}

std::vector<std::string> split_thoughts(const std::string& solution) {
  std::vector<std::string> thoughts;
  size_t begin = 0;
  for (size_t end = solution.find(text::kThoughtDelimiter); end != std::string::npos;
       end = solution.find(text::kThoughtDelimiter, begin)) {
    thoughts.push_back(solution.substr(begin, end - begin));
    begin = end + text::kThoughtDelimiter.size();
  }
  if (begin < solution.size()) thoughts.push_back(solution.substr(begin));
  return thoughts;
}

Demonstration solve_demonstration(PromptStyle style, const WorkedProblem& problem) {
  return {solve_prompt(style, problem.problem.question), problem.solution};
}

Demonstration hasty_demonstration(PromptStyle style, const WorkedProblem& problem) {
  return {solve_prompt(style, problem.problem.question), problem.hasty_solution};
}

Demonstration localization_demonstration(PromptStyle style,
                                         const WorkedProblem& problem) {
  return {localization_prompt(style, problem.problem.question,
                              split_thoughts(problem.wrong_solution)),
          "\\boxed{" + std::to_string(problem.first_wrong_thought) + "}"};
}

std::string bare_step(const std::string& thought) {
  std::string step = text::strip_delimiter(thought);
  const size_t box = step.find(text::kAnswerOpener);
  if (box != std::string::npos) step.resize(box);
  std::erase_if(step, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
  return step;
}

}  // namespace srpo::rl
