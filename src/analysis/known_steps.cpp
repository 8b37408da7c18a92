#include "analysis/known_steps.h"

#include <cctype>
#include <charconv>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "analysis/trajectory_tree.h"
#include "core/error.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;
using records::Trajectory;

constexpr int64_t kLargest = 1'000'000'000;

/// Reads numbers and signs from a text, blanks passed over.
class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  std::optional<int64_t> number() {
    skip_blanks();
    int64_t value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc() || value > kLargest || value < -kLargest)
      return std::nullopt;
    at_ = static_cast<size_t>(end - text_.data());
    return value;
  }
  /// The next character if it is one of these; 0 otherwise.
  char one_of(const std::string& characters) {
    skip_blanks();
    if (at_ >= text_.size() || characters.find(text_[at_]) == std::string::npos) return 0;
    return text_[at_++];
  }
  bool at_end() {
    skip_blanks();
    return at_ >= text_.size();
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])))
      ++at_;
  }

  const std::string& text_;
  size_t at_ = 0;
};

struct Operation {
  char sign = '+';
  int64_t operand = 0;
};

struct Calculation {
  int64_t start = 0;
  std::vector<Operation> operations;
};

std::optional<int64_t> applied(int64_t value, const Operation& operation) {
  int64_t result = 0;
  if (operation.sign == '+') result = value + operation.operand;
  if (operation.sign == '-') result = value - operation.operand;
  if (operation.sign == '*') result = value * operation.operand;
  if (result > kLargest || result < -kLargest) return std::nullopt;
  return result;
}

/// `12 +7 -5 *3`, and nothing else.
std::optional<Calculation> calculation_of(const std::string& question) {
  Scanner scanner(question);
  Calculation calculation;
  const auto start = scanner.number();
  if (!start) return std::nullopt;
  calculation.start = *start;
  while (!scanner.at_end()) {
    const char sign = scanner.one_of("+-*");
    const auto operand = scanner.number();
    if (sign == 0 || !operand) return std::nullopt;
    calculation.operations.push_back({sign, *operand});
  }
  if (calculation.operations.empty()) return std::nullopt;
  return calculation;
}

/// Whether `12+7=19` is the operation on the value with its result; `=42` the answer.
bool is_right(const std::string& thought, std::optional<int64_t> value,
              const Operation* due, int64_t answer) {
  Scanner scanner(thought);
  if (scanner.one_of("=") != 0) return scanner.number() == answer;
  if (due == nullptr || !value) return false;
  if (scanner.number() != value) return false;
  if (scanner.one_of("+-*") != due->sign || scanner.number() != due->operand)
    return false;
  return scanner.one_of("=") != 0 && scanner.number() == applied(*value, *due);
}

std::optional<uint32_t> first_wrong_of(const Calculation& calculation,
                                       const std::vector<std::string>& thoughts) {
  std::optional<int64_t> answer = calculation.start;
  for (const Operation& operation : calculation.operations) {
    if (answer) answer = applied(*answer, operation);
  }
  if (!answer) return std::nullopt;
  std::optional<int64_t> value = calculation.start;
  for (size_t i = 0; i < thoughts.size(); ++i) {
    const Operation* due =
        i < calculation.operations.size() ? &calculation.operations[i] : nullptr;
    if (!is_right(thoughts[i], value, due, *answer)) return static_cast<uint32_t>(i + 1);
    if (due != nullptr && value) value = applied(*value, *due);
  }
  return std::nullopt;
}

uint32_t whole_number(const nlohmann::json& json, const char* key,
                      const std::string& place) {
  REQUIRE(json.contains(key) && json[key].is_number_unsigned() &&
              json[key].get<uint64_t>() <= UINT32_MAX,
          kBadFile,
          place << ": no whole number under '" << key
                << "' (expected {\"step\":3,\"slot\":5,\"thought\":2})");
  return json[key].get<uint32_t>();
}

}  // namespace

KnownSteps KnownSteps::read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open(), kBadFile, path.string() << " cannot be read");
  KnownSteps known;
  uint64_t number = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string place = path.string() + ":" + std::to_string(++number);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    REQUIRE(json.is_object(), kBadFile, place << ": no JSON object");
    const uint32_t thought = whole_number(json, "thought", place);
    const std::pair<uint32_t, uint32_t> key = {whole_number(json, "step", place),
                                               whole_number(json, "slot", place)};
    if (thought > 0) known.thoughts_[key] = thought;
  }
  return known;
}

std::optional<uint32_t> KnownSteps::first_wrong(const RolloutTree& tree) const {
  const auto found = thoughts_.find({tree.step, tree.slot});
  if (found != thoughts_.end()) return found->second;
  return recompute_first_wrong(tree);
}

std::optional<uint32_t> recompute_first_wrong(const RolloutTree& tree) {
  const Trajectory* seed = tree.seed();
  if (seed == nullptr) return std::nullopt;
  const auto calculation = calculation_of(tree.problem.question);
  if (!calculation) return std::nullopt;
  const std::vector<std::string> thoughts = thoughts_of(seed->text);
  // A thought without a mark, cut at its limit, would shift the others.
  if (thoughts.size() != seed->thought_ends.size()) return std::nullopt;
  return first_wrong_of(*calculation, thoughts);
}

}  // namespace srpo::analysis
