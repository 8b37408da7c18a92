#include "storage/choice_problem.h"

#include <cctype>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "storage/row_fields.h"

namespace srpo::storage {
namespace {

using nlohmann::json;

/// Without a leading `A)`, `(A)`, `A.` or `A:` of its own letter.
std::string without_letter(const std::string& option, char letter) {
  size_t at = option.starts_with('(') ? 1 : 0;
  if (at + 1 >= option.size() || option[at] != letter) return option;
  const char mark = option[at + 1];
  if (mark != ')' && (at == 1 || (mark != '.' && mark != ':'))) return option;
  at = option.find_first_not_of(' ', at + 2);
  return at == std::string::npos ? "" : option.substr(at);
}

std::vector<std::string> option_texts(const json& options) {
  std::vector<std::string> texts;
  const json* list = find_field(options, {"text"});
  for (const json& option : list != nullptr ? *list : options) {
    const json* text = find_field(option, {"text"});
    texts.push_back(field_text(text != nullptr ? *text : option));
  }
  for (size_t i = 0; i < texts.size(); ++i)
    texts[i] = without_letter(texts[i], static_cast<char>('A' + i));
  return texts;
}

/// A letter, a number from 0, or the text of an option; as its letter.
std::string letter_of(const json& answer, const std::vector<std::string>& options,
                      const std::string& place) {
  if (answer.is_number_integer()) {
    const auto index = answer.get<int64_t>();
    REQUIRE(index >= 0 && index < 26, kBadFile,
            place << ": answer " << index << " (expected the number of an option)");
    return std::string(1, static_cast<char>('A' + index));
  }
  const std::string text = field_text(answer);
  if (text.size() == 1 && std::isalpha(static_cast<unsigned char>(text[0])) != 0)
    return std::string(1, static_cast<char>(std::toupper(text[0])));
  for (size_t i = 0; i < options.size(); ++i) {
    if (options[i] == text) return std::string(1, static_cast<char>('A' + i));
  }
  throw core::Error(core::ErrorKind::kBadFile,
                    place + ": answer '" + text +
                        "' (expected a letter, a number or the text of an option)");
}

}  // namespace

records::Problem read_choice_problem(const json& row, const std::string& place) {
  const json* question = find_field(row, {"question", "prompt", "problem", "input"});
  REQUIRE(question != nullptr, kBadFile, place << ": no question");
  const json* options = find_field(row, {"options", "choices"});
  if (options == nullptr) options = find_field(*question, {"options", "choices"});
  const json* answer =
      find_field(row, {"answerKey", "correct", "Answer", "answer", "label"});
  REQUIRE(options != nullptr && answer != nullptr, kBadFile,
          place << ": no " << (options == nullptr ? "options" : "answer")
                << " (expected options or choices, and answer, answerKey or correct)");
  const json* stem = find_field(*question, {"stem"});
  records::Problem problem;
  problem.question = field_text(stem != nullptr ? *stem : *question);
  std::vector<std::string> texts;
  if (options->is_string()) {  // all in one text, with their letters
    problem.question += "\n" + options->get<std::string>();
  } else {
    texts = option_texts(*options);
    REQUIRE(texts.size() >= 2 && texts.size() <= 26, kBadFile,
            place << ": " << texts.size() << " options (expected 2 to 26)");
    for (size_t i = 0; i < texts.size(); ++i)
      problem.question +=
          "\n" + std::string(1, static_cast<char>('A' + i)) + ") " + texts[i];
  }
  problem.kind = "choice";
  problem.reference = letter_of(*answer, texts, place);
  return problem;
}

}  // namespace srpo::storage
