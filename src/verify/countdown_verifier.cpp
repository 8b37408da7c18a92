#include "verify/countdown_verifier.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <optional>
#include <sstream>
#include <string_view>

#include "core/deadline.h"

namespace srpo::verify {
namespace {

constexpr std::string_view kBox = "\\boxed{";
constexpr std::string_view kThoughtEnd = "</thought>";
/// Larger numbers, longer expressions and deeper nesting are nobody's honest answer.
constexpr int64_t kLargest = 1000000000;
constexpr size_t kLongestExpression = 512;
constexpr int kDeepest = 32;

struct Task {
  int64_t target = 0;
  std::vector<int64_t> numbers;
};

std::optional<Task> parse_task(const std::string& reference) {
  std::istringstream text(reference);
  Task task;
  std::string from;
  if (!(text >> task.target >> from) || from != "from") return std::nullopt;
  for (int64_t number = 0; text >> number;) task.numbers.push_back(number);
  if (task.numbers.empty() || !text.eof()) return std::nullopt;
  return task;
}

/// Where the last box that closes begins and ends, without nested braces.
std::optional<std::pair<size_t, size_t>> last_box(std::string_view text) {
  for (size_t at = text.rfind(kBox); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : text.rfind(kBox, at - 1)) {
    const size_t end = text.find_first_of("{}", at + kBox.size());
    if (end != std::string_view::npos && text[end] == '}') return {{at, end}};
  }
  return std::nullopt;
}

std::string without_blanks(std::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (c != ' ' && c != '\n' && c != '\t' && c != '\r') bare += c;
  }
  return bare;
}

struct Fraction {
  int64_t over = 0;
  int64_t under = 1;

  bool is_small() const {
    return under != 0 && over <= kLargest && over >= -kLargest && under <= kLargest;
  }
};

Fraction reduced(int64_t over, int64_t under) {
  const int64_t divisor = std::gcd(over, under);
  if (divisor == 0) return {0, 0};
  if (under < 0) return {-over / divisor, -under / divisor};
  return {over / divisor, under / divisor};
}

/// Both are small: no overflow.
Fraction combine(Fraction a, char sign, Fraction b) {
  switch (sign) {
    case '+':
      return reduced(a.over * b.under + b.over * a.under, a.under * b.under);
    case '-':
      return reduced(a.over * b.under - b.over * a.under, a.under * b.under);
    case '*':
      return reduced(a.over * b.over, a.under * b.under);
    default:
      return b.over == 0 ? Fraction{0, 0} : reduced(a.over * b.under, a.under * b.over);
  }
}

/// sum = product {(+|-) product}, product = item {(*|/) item}, item = number | (sum).
class Expression {
 public:
  explicit Expression(std::string_view text) : text_(text) {}

  /// Nothing when the text is no expression, divides by zero, or leaves the bounds.
  std::optional<Fraction> value() {
    if (text_.size() > kLongestExpression) return std::nullopt;
    const auto value = sum(0);
    if (!value || at_ != text_.size()) return std::nullopt;
    return value;
  }
  const std::vector<int64_t>& numbers() const { return numbers_; }

 private:
  std::optional<Fraction> sum(int depth) {
    return chain(depth, {'+', '-'}, [this](int d) { return product(d); });
  }
  std::optional<Fraction> product(int depth) {
    return chain(depth, {'*', '/'}, [this](int d) { return item(d); });
  }
  template <class Part>
  std::optional<Fraction> chain(int depth, std::array<char, 2> signs, Part part) {
    auto value = part(depth);
    while (value && at_ < text_.size() &&
           (text_[at_] == signs[0] || text_[at_] == signs[1])) {
      const char sign = text_[at_++];
      const auto next = part(depth);
      if (!next) return std::nullopt;
      value = combine(*value, sign, *next);
      if (!value->is_small()) return std::nullopt;
    }
    return value;
  }
  std::optional<Fraction> item(int depth) {
    if (at_ == text_.size() || depth > kDeepest) return std::nullopt;
    if (text_[at_] == '(') {
      ++at_;
      const auto value = sum(depth + 1);
      if (!value || at_ == text_.size() || text_[at_] != ')') return std::nullopt;
      ++at_;
      return value;
    }
    int64_t number = 0;
    const char* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, number);
    if (error != std::errc() || number < 0 || number > kLargest || text_[at_] == '-')
      return std::nullopt;
    at_ = static_cast<size_t>(stop - text_.data());
    numbers_.push_back(number);
    return Fraction{number, 1};
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<int64_t> numbers_;
};

/// Takes `step` as a*b=c from the numbers that are left; false when it is none.
bool take_step(const std::string& step, std::vector<int64_t>& left) {
  const size_t equals = step.find('=');
  if (equals == std::string::npos) return false;
  Expression before(std::string_view(step).substr(0, equals));
  Expression behind(std::string_view(step).substr(equals + 1));
  const auto value = before.value();
  const auto result = behind.value();
  const bool is_step = value && result && before.numbers().size() == 2 &&
                       behind.numbers().size() == 1 && value->under == 1 &&
                       value->over == result->over && result->over >= 0 &&
                       step.find('(') == std::string::npos;
  if (!is_step) return false;
  for (const int64_t number : before.numbers()) {
    const auto at = std::find(left.begin(), left.end(), number);
    if (at == left.end()) return false;
    left.erase(at);
  }
  left.push_back(result->over);
  return true;
}

bool steps_reach(const Task& task, std::string_view written) {
  std::vector<int64_t> left = task.numbers;
  while (!written.empty()) {
    const size_t end = written.find(kThoughtEnd);
    const std::string step = without_blanks(written.substr(0, end));
    if (!take_step(step, left)) return false;
    written = end == std::string_view::npos ? std::string_view()
                                            : written.substr(end + kThoughtEnd.size());
  }
  return left.size() == 1 && left.front() == task.target;
}

bool is_right(const Task& task, const std::string& answer, std::string_view before_box) {
  Expression expression(answer);
  const auto value = expression.value();
  if (!value || value->under != 1 || value->over != task.target) return false;
  if (expression.numbers().size() == 1 && task.numbers.size() > 1)
    return steps_reach(task, before_box);
  std::vector<int64_t> used = expression.numbers();
  std::vector<int64_t> given = task.numbers;
  std::sort(used.begin(), used.end());
  std::sort(given.begin(), given.end());
  return used == given;
}

}  // namespace

records::Verdict CountdownVerifier::verify(const records::Problem& problem,
                                           const std::string& response) const {
  const core::Stopwatch watch;
  records::Verdict verdict;
  verdict.kind = records::VerdictKind::kUnparsable;
  const auto task = parse_task(problem.reference);
  const auto box = last_box(response);
  if (!task) {
    verdict.kind = records::VerdictKind::kError;
  } else if (box) {
    const std::string_view text = response;
    verdict.answer = without_blanks(
        text.substr(box->first + kBox.size(), box->second - box->first - kBox.size()));
    const bool right = is_right(*task, verdict.answer, text.substr(0, box->first));
    verdict.kind = right ? records::VerdictKind::kCorrect : records::VerdictKind::kWrong;
    verdict.reward = right ? 1 : 0;
  }
  verdict.took_ms = watch.seconds() * 1000;
  return verdict;
}

}  // namespace srpo::verify
