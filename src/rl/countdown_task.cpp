#include "rl/countdown_task.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>
#include <utility>

#include "core/error.h"
#include "core/random.h"
#include "text/thoughts.h"

namespace srpo::rl {
namespace {

constexpr int kMostNumbers = 6;
constexpr int kMostDraws = 10000;
/// No search looks at larger results.
constexpr int kHighestResult = 1000000;

using Pool = std::vector<int>;  // sorted

/// left sign right = result.
struct Step {
  int left = 0;
  char sign = '+';
  int right = 0;
  int result = 0;

  std::string text() const {
    return std::to_string(left) + sign + std::to_string(right) + "=" +
           std::to_string(result);
  }
};

/// The result, when it is a whole number that is not negative.
std::optional<int> result_of(int left, char sign, int right) {
  int64_t result = -1;
  if (sign == '+') result = int64_t{left} + right;
  if (sign == '-') result = int64_t{left} - right;
  if (sign == '*') result = int64_t{left} * right;
  if (sign == '/' && right != 0 && left % right == 0) result = left / right;
  if (result < 0 || result > kHighestResult) return std::nullopt;
  return static_cast<int>(result);
}

/// The pool behind the step; nothing when it has not both numbers.
std::optional<Pool> after(Pool pool, const Step& step) {
  for (const int number : {step.left, step.right}) {
    const auto at = std::find(pool.begin(), pool.end(), number);
    if (at == pool.end()) return std::nullopt;
    pool.erase(at);
  }
  pool.insert(std::upper_bound(pool.begin(), pool.end(), step.result), step.result);
  return pool;
}

/// Every step that can be taken, results up to a bound; sums and products once.
std::vector<Step> steps_from(const Pool& pool, int highest) {
  std::vector<Step> steps;
  for (size_t i = 0; i < pool.size(); ++i) {
    for (size_t j = 0; j < pool.size(); ++j) {
      if (i == j) continue;
      for (const char sign : {'+', '-', '*', '/'}) {
        const bool is_symmetric = sign == '+' || sign == '*';
        if (is_symmetric && i < j) continue;  // the larger number first
        const auto result = result_of(pool[i], sign, pool[j]);
        if (result && *result <= highest)
          steps.push_back({pool[i], sign, pool[j], *result});
      }
    }
  }
  return steps;
}

/// Whether the number can be reached with all of the pool. Remembers.
class Search {
 public:
  explicit Search(int target) : target_(target) {}

  bool reaches(const Pool& pool) {
    if (pool.size() == 1) return pool.front() == target_;
    const auto known = known_.find(pool);
    if (known != known_.end()) return known->second;
    const std::vector<Step> steps = steps_from(pool, kHighestResult);
    const bool found = std::any_of(steps.begin(), steps.end(), [&](const Step& step) {
      return reaches(*after(pool, step));
    });
    known_.emplace(pool, found);
    return found;
  }

 private:
  int target_;
  std::map<Pool, bool> known_;
};

struct Exercise {
  Pool numbers;  // as they are written
  std::vector<Step> right;
  int target = 0;
};

Pool sorted(Pool pool) {
  std::sort(pool.begin(), pool.end());
  return pool;
}

/// Steps at random until one number is left; nothing when there is none in bounds.
std::optional<std::vector<Step>> wander(Pool pool, int highest, core::Rng& rng) {
  std::vector<Step> steps;
  while (pool.size() > 1) {
    const std::vector<Step> choice = steps_from(pool, highest);
    if (choice.empty()) return std::nullopt;
    steps.push_back(choice[rng.below(choice.size())]);
    pool = *after(pool, steps.back());
  }
  return steps;
}

std::string question_of(const Exercise& exercise) {
  std::string question = std::to_string(exercise.target) + " from";
  for (const int number : exercise.numbers) question += " " + std::to_string(number);
  return question;
}

/// The order of the numbers makes no other problem.
ProblemSet set_of(const Exercise& exercise) {
  return problem_set_of(question_of({sorted(exercise.numbers), {}, exercise.target}));
}

Exercise draw_exercise(core::Rng& rng, const CountdownRange& range, ProblemSet set) {
  for (int draw = 0; draw < kMostDraws; ++draw) {
    Exercise exercise;
    const auto spread =
        static_cast<uint64_t>(range.highest_numbers - range.lowest_numbers) + 1;
    const auto count = range.lowest_numbers + static_cast<int>(rng.below(spread));
    for (int i = 0; i < count; ++i)
      exercise.numbers.push_back(
          1 + static_cast<int>(rng.below(static_cast<uint64_t>(range.highest_number))));
    auto steps = wander(sorted(exercise.numbers), range.highest_value, rng);
    if (!steps || steps->back().result == 0) continue;
    exercise.right = std::move(*steps);
    exercise.target = exercise.right.back().result;
    if (set_of(exercise) == set) return exercise;
  }
  throw core::Error(
      core::ErrorKind::kBadConfig,
      "countdown problems: the range is so narrow that no question of it " +
          std::string(set == ProblemSet::kTrain ? "is for training" : "is held out"));
}

std::string written(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& step : steps) {
    text += step.text();
    if (&step == &steps.back()) text += " \\boxed{" + std::to_string(step.result) + "}";
    text += text::kThoughtDelimiter;
  }
  return text;
}

/// Right up to step `at` (from 0); there a step that leads nowhere, or a slip; then any
/// steps. Nothing when none can be made there.
std::optional<std::vector<Step>> spoil_at(const Exercise& exercise, size_t at,
                                          int highest, core::Rng& rng) {
  Search search(exercise.target);
  Pool pool = sorted(exercise.numbers);
  std::vector<Step> chain(exercise.right.begin(),
                          exercise.right.begin() + static_cast<std::ptrdiff_t>(at));
  for (const Step& step : chain) pool = *after(pool, step);
  std::vector<Step> wrong = steps_from(pool, highest);
  std::erase_if(wrong,
                [&](const Step& step) { return search.reaches(*after(pool, step)); });
  if (wrong.empty() || rng.below(3) == 0) {
    Step slip = exercise.right[at];
    slip.result += slip.result > 0 && rng.below(2) == 0 ? -1 : 1;
    wrong = {slip};
  }
  chain.push_back(wrong[rng.below(wrong.size())]);
  const auto rest = wander(*after(pool, chain.back()), highest, rng);
  if (!rest) return std::nullopt;
  chain.insert(chain.end(), rest->begin(), rest->end());
  return chain;
}

void require_between(const char* name, int value, int lowest, int highest) {
  REQUIRE(value >= lowest && value <= highest, kBadConfig,
          "countdown problems: " << name << " = " << value << " (expected " << lowest
                                 << ".." << highest << ")");
}

void require_valid(const CountdownRange& range) {
  require_between("highest_numbers", range.highest_numbers, 2, kMostNumbers);
  require_between("lowest_numbers", range.lowest_numbers, 2, range.highest_numbers);
  require_between("highest_number", range.highest_number, 2, 99);
  require_between("highest_value", range.highest_value, 10, 999);
}

/// "6*3=18"; nothing for anything else.
std::optional<Step> parse_step(const std::string& text) {
  Step step;
  const char* at = text.data();
  const char* end = at + text.size();
  const auto number = [&](int& value) {
    const auto [stop, error] = std::from_chars(at, end, value);
    const bool good = error == std::errc() && *at != '-';
    at = stop;
    return good;
  };
  if (at == end || !number(step.left) || at == end) return std::nullopt;
  step.sign = *at++;
  if (at == end || !number(step.right) || at == end || *at++ != '=') return std::nullopt;
  if (at == end || !number(step.result) || at != end) return std::nullopt;
  return step;
}

}  // namespace

WorkedProblem make_countdown_problem(uint64_t seed, uint64_t number,
                                     const CountdownRange& range, ProblemSet set) {
  require_valid(range);
  core::Rng rng(seed, core::Purpose::kProblemMaking, number);
  const Exercise exercise = draw_exercise(rng, range, set);
  WorkedProblem made;
  made.problem.id = "countdown/" + std::to_string(seed) +
                    (set == ProblemSet::kTrain ? "/train/level" : "/held_out/level") +
                    std::to_string(exercise.right.size()) + "/" + std::to_string(number);
  made.problem.kind = "countdown";
  made.problem.question = question_of(exercise);
  made.problem.reference = made.problem.question;
  made.solution = written(exercise.right);
  const auto hasty = wander(sorted(exercise.numbers), range.highest_value, rng);
  made.hasty_solution = hasty ? written(*hasty) : made.solution;
  std::optional<std::vector<Step>> wrong;
  for (int draw = 0; !wrong; ++draw) {
    ENSURE(draw < kMostDraws, "'" << made.problem.question << "' cannot be spoilt");
    const size_t at = rng.below(exercise.right.size());
    wrong = spoil_at(exercise, at, range.highest_value, rng);
    made.first_wrong_thought = static_cast<int>(at) + 1;
  }
  made.wrong_solution = written(*wrong);
  return made;
}

std::optional<int> countdown_level(const std::string& problem_id) {
  return level_of("countdown", problem_id);
}

uint32_t first_wrong_countdown(const records::Problem& problem,
                               const std::vector<std::string>& thoughts) {
  ENSURE(!thoughts.empty(), "a chain without thoughts has no wrong one");
  std::istringstream question(problem.question);
  int target = 0;
  std::string from;
  question >> target >> from;
  Pool pool;
  for (int number = 0; question >> number;) pool.push_back(number);
  pool = sorted(std::move(pool));
  Search search(target);
  for (uint32_t i = 0; i < thoughts.size(); ++i) {
    const auto step = parse_step(bare_step(thoughts[i]));
    if (!step || result_of(step->left, step->sign, step->right) != step->result)
      return i + 1;
    const auto next = after(pool, *step);
    if (!next || !search.reaches(*next)) return i + 1;
    pool = *next;
  }
  return static_cast<uint32_t>(thoughts.size());
}

}  // namespace srpo::rl
