#include "storage/problem_set.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/random.h"
#include "storage/choice_problem.h"

namespace srpo::storage {
namespace {

using nlohmann::json;
using Fields = std::map<std::string, const json*>;  // by name in lower case

constexpr size_t kMostLineBytes = 16 << 20;

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string number_text(double value) {
  char text[64];
  // 27.0 is the integer 27 to whoever wrote the file and to a math verifier.
  const bool is_integer = std::nearbyint(value) == value && std::abs(value) < 1e15;
  const auto end =
      is_integer ? std::to_chars(text, text + sizeof text, static_cast<int64_t>(value))
                 : std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

/// A string, number, or list of them joined by ", "; "" for null and anything else.
std::string plain_text(const json& value) {
  if (value.is_string()) return trimmed(value.get<std::string>());
  if (value.is_number_float()) return number_text(value.get<double>());
  if (value.is_number()) return value.dump();
  std::string text;
  if (value.is_array()) {
    for (const json& item : value) {
      if (item.is_structured()) return "";
      text += (text.empty() ? "" : ", ") + plain_text(item);
    }
  }
  return text;
}

Fields fields_of(const json& row) {
  Fields fields;
  for (const auto& [name, value] : row.items()) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    fields.emplace(lower, &value);
  }
  return fields;
}

/// The first of the fields that has a text.
std::string first_text(const Fields& fields, const std::vector<const char*>& names) {
  for (const char* name : names) {
    const auto at = fields.find(name);
    if (at == fields.end()) continue;
    std::string text = plain_text(*at->second);
    if (!text.empty()) return text;
  }
  return "";
}

std::optional<std::string> behind_hashes(const std::string& text) {
  const size_t at = text.rfind("####");
  if (at == std::string::npos) return std::nullopt;
  return trimmed(text.substr(at + 4));
}

std::string reference_of(const Fields& fields) {
  std::string answer = first_text(fields, {"final_answer", "answer", "reference",
                                           "target", "expected_answer", "ground_truth"});
  if (const auto marked = behind_hashes(answer)) return *marked;
  if (const auto boxed = boxed_answer(answer)) return trimmed(*boxed);
  if (!answer.empty()) return answer;
  const std::string solution = first_text(fields, {"solution", "solutions"});
  if (const auto marked = behind_hashes(solution)) return *marked;
  return trimmed(boxed_answer(solution).value_or(""));
}

std::string tests_of(const json& row, const Fields& fields) {
  const auto at = fields.find("tests");
  if (at == fields.end()) return row.dump();
  const json& tests = *at->second;
  if (tests.is_string()) return tests.get<std::string>();
  return (tests.is_array() ? json{{"tests", tests}} : tests).dump();
}

std::string question_of(const Fields& fields) {
  const std::string question = first_text(
      fields, {"question", "problem", "prompt", "input", "question_content", "text"});
  const std::string body = first_text(fields, {"body"});
  return body.empty() || question.empty() ? question : body + " " + question;
}

/// Of the row, or of a question that is an object.
bool lists_options(const json& row, const Fields& fields) {
  for (const char* name : {"options", "choices"}) {
    if (fields.contains(name) && !fields.at(name)->empty()) return true;
    const auto question = row.find("question");
    if (question != row.end() && question->is_object() && question->contains(name))
      return true;
  }
  return false;
}

records::Problem problem_of(const json& row, const std::string& kind,
                            const std::string& place) {
  REQUIRE(row.is_object(), kBadFile,
          place << ": " << row.type_name() << " (expected a JSON object)");
  const Fields fields = fields_of(row);
  const bool has_options = lists_options(row, fields);
  REQUIRE(!has_options || kind == "choice", kBadFile,
          place << ": has options: a multiple-choice problem is not of kind " << kind);
  records::Problem problem;
  if (has_options) problem = read_choice_problem(row, place);
  problem.id = first_text(fields, {"id", "unique_id", "problem_id", "idx", "index"});
  if (has_options) return problem;
  problem.kind = kind;
  problem.question = question_of(fields);
  problem.reference = kind == "code" ? tests_of(row, fields) : reference_of(fields);
  REQUIRE(
      !problem.question.empty(), kBadFile,
      place << ": no question (expected a text in question, problem, prompt or input)");
  REQUIRE(
      !problem.reference.empty(), kBadFile,
      place
          << ": no answer (expected one in answer, final_answer, reference or target, or "
             "\\boxed{...} in solution)");
  return problem;
}

json parse_line(const std::string& line, const std::string& place) {
  REQUIRE(line.size() <= kMostLineBytes, kBadFile,
          place << ": a line of " << line.size() << " bytes (expected at most "
                << kMostLineBytes << ")");
  try {
    return json::parse(line);
  } catch (const json::exception& error) {
    throw core::Error(core::ErrorKind::kBadFile,
                      place + ": not a JSON object in one line (" + error.what() + ")");
  }
}

}  // namespace

records::Problem parse_problem(const std::string& line, const std::string& kind,
                               const std::string& place) {
  return problem_of(parse_line(line, place), kind, place);
}

std::optional<std::string> boxed_answer(const std::string& text) {
  const size_t boxed = text.rfind("\\boxed{");
  const size_t framed = text.rfind("\\fbox{");
  const bool use_boxed =
      boxed != std::string::npos && (framed == std::string::npos || framed < boxed);
  const size_t at = use_boxed ? boxed : framed;
  if (at == std::string::npos) return std::nullopt;
  const size_t begin = text.find('{', at) + 1;
  int depth = 1;
  for (size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return text.substr(begin, i - begin);
  }
  return std::nullopt;
}

ProblemSet ProblemSet::load(const std::filesystem::path& path,
                            const ProblemSetOptions& options) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file && !std::filesystem::is_directory(path), kBadFile,
          path.string() << " cannot be read (expected a JSONL file of problems)");
  const std::string stem = path.stem().string();
  ProblemSet set;
  std::map<std::string, size_t> lines;  // of each id
  std::string line;
  size_t num_seen = 0;
  for (size_t number = 1; std::getline(file, line); ++number) {
    if (options.limit && set.size() >= *options.limit) break;
    if (number == 1 && line.rfind("\xEF\xBB\xBF", 0) == 0) line.erase(0, 3);
    if (trimmed(line).empty() || num_seen++ < options.skip) continue;
    const std::string place = path.string() + ":" + std::to_string(number);
    records::Problem problem = parse_problem(line, options.kind, place);
    problem.id = stem + ":" + (problem.id.empty() ? std::to_string(number) : problem.id);
    const auto [earlier, is_new] = lines.emplace(problem.id, number);
    REQUIRE(is_new, kBadFile,
            place << ": id '" << problem.id << "' stands in line " << earlier->second
                  << " already");
    set.problems_.push_back(std::move(problem));
  }
  REQUIRE(set.size() > 0, kBadFile,
          path.string() << " has " << num_seen << " problems and skip=" << options.skip
                        << ", limit="
                        << (options.limit ? std::to_string(*options.limit) : "none")
                        << " leave none");
  return set;
}

ProblemSet ProblemSet::join(const std::vector<ProblemSet>& sets) {
  ProblemSet all;
  std::map<std::string, size_t> first;
  for (size_t i = 0; i < sets.size(); ++i) {
    for (const records::Problem& problem : sets[i].problems_) {
      const auto [at, is_new] = first.emplace(problem.id, i);
      REQUIRE(is_new, kBadConfig,
              "problem '" << problem.id << "' is in problem set " << at->second + 1
                          << " and in set " << i + 1
                          << " (expected each once; files of one name need other names)");
      all.problems_.push_back(problem);
    }
  }
  return all;
}

std::vector<size_t> ProblemSet::order(uint64_t seed, uint64_t epoch) const {
  return core::shuffled_order(size(), core::Rng(seed, core::Purpose::kDataOrder, epoch));
}

}  // namespace srpo::storage
