#include "rl/arithmetic_task.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "core/error.h"
#include "core/random.h"
#include "text/thoughts.h"

namespace srpo::rl {
namespace {

constexpr int kHighestStart = 99;  // also the highest value that is multiplied
constexpr int kHighestFactor = 9;
constexpr int kMostLevels = 16;
constexpr int kMostDraws = 10000;

struct Operation {
  char sign = '+';
  int operand = 0;
};

struct Exercise {
  int start = 0;
  ArithmeticRange range;
  std::vector<Operation> operations;
};

/// One thought as it is written: left sign operand = result.
struct Step {
  int left = 0;
  Operation operation;
  int result = 0;
};

int apply(int value, const Operation& operation) {
  switch (operation.sign) {
    case '+':
      return value + operation.operand;
    case '-':
      return value - operation.operand;
    default:
      return value * operation.operand;
  }
}

int draw_between(core::Rng& rng, int lowest, int highest) {
  return lowest +
         static_cast<int>(rng.below(static_cast<uint64_t>(highest - lowest) + 1));
}

/// A sum, a difference or, one time in five where it can be, a product; in bounds.
Operation draw_operation(core::Rng& rng, int value, const ArithmeticRange& range) {
  const int highest_factor = value >= 2 && value <= kHighestStart
                                 ? std::min(kHighestFactor, range.highest_value / value)
                                 : 0;
  if (highest_factor >= 2 && rng.below(5) == 0) {
    return {'*', draw_between(rng, 2, highest_factor)};
  }
  const int most_added = std::min(range.highest_operand, range.highest_value - value);
  const int most_taken = std::min(range.highest_operand, value);
  if (most_added >= 2 && (most_taken < 2 || rng.below(2) == 0)) {
    return {'+', draw_between(rng, 2, most_added)};
  }
  return {'-', draw_between(rng, 2, most_taken)};
}

Exercise draw_exercise(core::Rng& rng, const ArithmeticRange& range) {
  Exercise exercise;
  exercise.range = range;
  const int level = draw_between(rng, range.lowest_level, range.highest_level);
  exercise.start = draw_between(rng, 10, std::min(kHighestStart, range.highest_value));
  int value = exercise.start;
  for (int i = 0; i < level; ++i) {
    exercise.operations.push_back(draw_operation(rng, value, range));
    value = apply(value, exercise.operations.back());
  }
  return exercise;
}

std::string question_of(const Exercise& exercise) {
  std::string question = std::to_string(exercise.start);
  for (const Operation& operation : exercise.operations) {
    question += ' ';
    question += operation.sign;
    question += std::to_string(operation.operand);
  }
  return question;
}

/// Steps from operation `first` on, from a running value; nothing if one leaves the
/// bounds.
std::optional<std::vector<Step>> work_out(const Exercise& exercise, size_t first,
                                          int value) {
  std::vector<Step> steps;
  for (size_t i = first; i < exercise.operations.size(); ++i) {
    const int result = apply(value, exercise.operations[i]);
    if (result < 0 || result > exercise.range.highest_value) return std::nullopt;
    steps.push_back({value, exercise.operations[i], result});
    value = result;
  }
  return steps;
}

std::string answer_of(const std::vector<Step>& steps) {
  const std::string result = std::to_string(steps.back().result);
  return "=" + result + " \\boxed{" + result + "}";
}

/// The first `num_written` thoughts, without the answer.
std::string written_begin(const std::vector<Step>& steps, size_t num_written) {
  std::string text;
  for (size_t i = 0; i < num_written; ++i) {
    const Step& step = steps[i];
    text += std::to_string(step.left) + step.operation.sign +
            std::to_string(step.operation.operand) + "=" + std::to_string(step.result);
    text += text::kThoughtDelimiter;
  }
  return text;
}

std::string written(const std::vector<Step>& steps) {
  const Step& last = steps.back();
  std::string text = written_begin(steps, steps.size() - 1);
  text += std::to_string(last.left) + last.operation.sign +
          std::to_string(last.operation.operand) + answer_of(steps);
  text += text::kThoughtDelimiter;
  return text;
}

/// Leaves out two operations or more where there are as many.
std::string written_in_haste(const std::vector<Step>& steps, core::Rng& rng) {
  if (steps.size() < 2) return written(steps);
  std::string text = written_begin(steps, rng.below(steps.size() - 1)) + answer_of(steps);
  text += text::kThoughtDelimiter;
  return text;
}

/// The slips a small model makes: a digit off by one, a lost carry, the other sign, a
/// miscopied operand.
std::vector<Step> spoilt_forms(const Step& right, const ArithmeticRange& range) {
  std::vector<Step> forms;
  for (const int slip : {1, -1, 2, -2, 10, -10, 100, -100}) {
    Step form = right;
    form.result += slip;
    forms.push_back(form);
  }
  for (const char sign : {'+', '-'}) {
    Step form = right;
    form.operation.sign = sign;
    form.result = apply(form.left, form.operation);
    forms.push_back(form);
  }
  for (const int slip : {1, -1, 10, -10}) {
    Step form = right;
    form.operation.operand += slip;
    form.result = apply(form.left, form.operation);
    forms.push_back(form);
  }
  std::erase_if(forms, [&](const Step& form) {
    return form.operation.operand < 1 || form.operation.operand > range.highest_operand ||
           form.result < 0 || form.result > range.highest_value ||
           form.result == right.result;
  });
  return forms;
}

/// The whole chain with thought `at` (from 0) spoilt; nothing if no slip there keeps the
/// rest in bounds.
std::optional<std::vector<Step>> spoil_at(const Exercise& exercise,
                                          const std::vector<Step>& right, size_t at,
                                          core::Rng& rng) {
  std::vector<Step> forms = spoilt_forms(right[at], exercise.range);
  while (!forms.empty()) {
    const size_t pick = rng.below(forms.size());
    const Step form = forms[pick];
    if (const auto rest = work_out(exercise, at + 1, form.result)) {
      std::vector<Step> chain(right.begin(),
                              right.begin() + static_cast<std::ptrdiff_t>(at));
      chain.push_back(form);
      chain.insert(chain.end(), rest->begin(), rest->end());
      return chain;
    }
    forms.erase(forms.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  return std::nullopt;
}

void add_wrong_solution(const Exercise& exercise, const std::vector<Step>& right,
                        core::Rng& rng, ArithmeticProblem& made) {
  std::vector<size_t> places(right.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  while (!places.empty()) {
    const size_t pick = rng.below(places.size());
    const size_t at = places[pick];
    if (const auto wrong = spoil_at(exercise, right, at, rng)) {
      made.wrong_solution = written(*wrong);
      made.first_wrong_thought = static_cast<int>(at) + 1;
      return;
    }
    places.erase(places.begin() + static_cast<std::ptrdiff_t>(pick));
  }
  ENSURE(false, "the last thought of '" << made.problem.question << "' cannot be spoilt");
}

void require_between(const char* name, int value, int lowest, int highest) {
  REQUIRE(value >= lowest && value <= highest, kBadConfig,
          "arithmetic problems: " << name << " = " << value << " (expected " << lowest
                                  << ".." << highest << ")");
}

void require_valid(const ArithmeticRange& range) {
  require_between("highest_level", range.highest_level, 1, kMostLevels);
  require_between("lowest_level", range.lowest_level, 1, range.highest_level);
  require_between("highest_value", range.highest_value, 20, 999);
  require_between("highest_operand", range.highest_operand, 2, 99);
}

Exercise draw_of_set(core::Rng& rng, const ArithmeticRange& range, ProblemSet set) {
  for (int i = 0; i < kMostDraws; ++i) {
    Exercise exercise = draw_exercise(rng, range);
    if (problem_set_of(question_of(exercise)) == set) return exercise;
  }
  throw core::Error(
      core::ErrorKind::kBadConfig,
      "arithmetic problems: the range is so narrow that no question of it " +
          std::string(set == ProblemSet::kTrain ? "is for training" : "is held out"));
}

}  // namespace

ArithmeticProblem make_arithmetic_problem(uint64_t seed, uint64_t number,
                                          const ArithmeticRange& range, ProblemSet set) {
  require_valid(range);
  core::Rng rng(seed, core::Purpose::kProblemMaking, number);
  const Exercise exercise = draw_of_set(rng, range, set);
  const auto right = work_out(exercise, 0, exercise.start);
  ENSURE(right, "'" << question_of(exercise) << "' leaves 0.." << range.highest_value);

  ArithmeticProblem made;
  made.problem.id = "arithmetic/" + std::to_string(seed) +
                    (set == ProblemSet::kTrain ? "/train/level" : "/held_out/level") +
                    std::to_string(right->size()) + "/" + std::to_string(number);
  made.problem.kind = "math";
  made.problem.question = question_of(exercise);
  made.problem.reference = std::to_string(right->back().result);
  made.solution = written(*right);
  add_wrong_solution(exercise, *right, rng, made);
  made.hasty_solution = written_in_haste(*right, rng);
  return made;
}

std::optional<int> arithmetic_level(const std::string& problem_id) {
  return level_of("arithmetic", problem_id);
}

uint32_t first_wrong_arithmetic(const records::Problem& problem,
                                const std::vector<std::string>& thoughts) {
  ENSURE(!thoughts.empty(), "a chain without thoughts has no wrong one");
  std::istringstream question(problem.question);
  int value = 0;
  question >> value;
  for (uint32_t i = 0; i < thoughts.size(); ++i) {
    Operation operation;
    // A chain that goes on behind the last operation is wrong there.
    if (!(question >> operation.sign >> operation.operand)) return i + 1;
    const int result = apply(value, operation);
    if (bare_step(thoughts[i]) != std::to_string(value) + operation.sign +
                                      std::to_string(operation.operand) + "=" +
                                      std::to_string(result))
      return i + 1;
    value = result;
  }
  return static_cast<uint32_t>(thoughts.size());
}

}  // namespace srpo::rl
