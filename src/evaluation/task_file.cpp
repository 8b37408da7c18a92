#include "evaluation/task_file.h"

#include <cctype>
#include <memory>
#include <set>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "storage/problem_set.h"

namespace srpo::evaluation {
namespace {

using nlohmann::json;

constexpr size_t kMostLineBytes = 64 << 20;

/// Lines of a file, unpacked if it is gzipped. Thread-compatible.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& path)
      : path_(path.string()), file_(gzopen(path_.c_str(), "rb"), gzclose_r) {
    REQUIRE(file_ != nullptr && std::filesystem::is_regular_file(path), kBadFile,
            path_ << " cannot be read (expected a file of JSON lines, plain or gzipped)");
  }
  bool next(std::string& line) {
    line.clear();
    char part[1 << 14];
    while (gzgets(file_.get(), part, sizeof part) != nullptr) {
      line += part;
      if (line.back() == '\n') {
        line.pop_back();
        return true;
      }
      REQUIRE(line.size() <= kMostLineBytes, kBadFile,
              path_ << " has a line of more than " << kMostLineBytes << " bytes");
    }
    int error = Z_OK;
    const char* reason = gzerror(file_.get(), &error);
    REQUIRE(error == Z_OK || error == Z_STREAM_END, kBadFile,
            path_ << " cannot be read to its end: " << reason);
    return !line.empty();
  }

 private:
  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
};

const json* find(const json& row, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (row.is_object() && row.contains(name) && !row[name].is_null()) return &row[name];
  }
  return nullptr;
}

std::string plain_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string field_text(const json& row, const std::string& field) {
  const json* found = find(row, {field.c_str()});
  if (found == nullptr && row.contains("details")) {  // SciKnowEval
    found = find(row["details"], {field.c_str()});
  }
  return found == nullptr ? "" : plain_text(*found);
}

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
  const json* list = find(options, {"text"});
  for (const json& option : list != nullptr ? *list : options) {
    const json* text = find(option, {"text"});
    texts.push_back(plain_text(text != nullptr ? *text : option));
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
  const std::string text = plain_text(answer);
  if (text.size() == 1 && std::isalpha(static_cast<unsigned char>(text[0])) != 0)
    return std::string(1, static_cast<char>(std::toupper(text[0])));
  for (size_t i = 0; i < options.size(); ++i) {
    if (options[i] == text) return std::string(1, static_cast<char>('A' + i));
  }
  throw core::Error(core::ErrorKind::kBadFile,
                    place + ": answer '" + text +
                        "' (expected a letter, a number or the text of an option)");
}

records::Problem read_choice(const json& row, const std::string& place) {
  const json* question = find(row, {"question", "prompt", "problem", "input"});
  REQUIRE(question != nullptr, kBadFile, place << ": no question");
  const json* options = find(row, {"options", "choices"});
  if (options == nullptr) options = find(*question, {"options", "choices"});
  const json* answer = find(row, {"answerKey", "correct", "Answer", "answer", "label"});
  REQUIRE(options != nullptr && answer != nullptr, kBadFile,
          place << ": no " << (options == nullptr ? "options" : "answer")
                << " (expected options or choices, and answer, answerKey or correct)");
  const json* stem = find(*question, {"stem"});
  records::Problem problem;
  problem.question = plain_text(stem != nullptr ? *stem : *question);
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

records::Problem read_yes_no(const json& row, const std::string& place) {
  const json* question = find(row, {"question", "input"});
  const json* answer = find(row, {"answer", "target", "label"});
  REQUIRE(question != nullptr && answer != nullptr, kBadFile,
          place << ": no question or no answer");
  records::Problem problem;
  problem.kind = "yes_no";
  problem.question = plain_text(*question);
  std::string text = plain_text(*answer);
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const bool is_yes = text == "yes" || text == "true" || text == "1";
  REQUIRE(is_yes || text == "no" || text == "false" || text == "0", kBadFile,
          place << ": answer '" << text << "' (expected yes or no, true or false)");
  problem.reference = is_yes ? "yes" : "no";
  return problem;
}

/// SciKnowEval: a type with "mcq" has options; "A. text" lines as the set's authors show
/// them.
records::Problem read_science(const json& row, const std::string& kind,
                              const std::string& place) {
  const std::string type = field_text(row, "type");
  if (type.find("mcq") != std::string::npos) {
    records::Problem problem = read_choice(row, place);
    const std::string stem = plain_text(row["question"]);
    std::string lines = problem.question.substr(stem.size());
    for (size_t at = 0; (at = lines.find(") ", at)) != std::string::npos; ++at) {
      if (at >= 2 && lines[at - 2] == '\n') lines[at] = '.';
    }
    problem.question = stem + "\n" + lines;
    return problem;
  }
  records::Problem problem;
  const json* answer = find(row, {"answer", "answerKey"});
  REQUIRE(answer != nullptr && row.contains("question"), kBadFile,
          place << ": no question or no answer");
  problem.kind = kind;
  problem.question = plain_text(row["question"]);
  problem.reference = plain_text(*answer);
  return problem;
}

/// Competition problems carry code to start from.
void add_starter(const json& row, records::Problem& problem) {
  const std::string starter = field_text(row, "starter_code");
  if (!starter.empty())
    problem.question += "\n\nStart from this code:\n```python\n" + starter + "\n```";
  if (row.contains("entry_point")) {
    problem.question = "Complete this function. Repeat it in full.\n```python\n" +
                       problem.question + "```";
  }
}

records::Problem read_row(const std::string& line, const json& row,
                          const TaskConfig& task, const std::string& place) {
  switch (task.layout) {
    case TaskLayout::kChoice:
      return read_choice(row, place);
    case TaskLayout::kYesNo:
      return read_yes_no(row, place);
    case TaskLayout::kScience:
      return read_science(row, task.kind, place);
    case TaskLayout::kQuestion:
    case TaskLayout::kCode:
      break;
  }
  records::Problem problem = storage::parse_problem(line, task.kind, place);
  if (task.layout == TaskLayout::kCode) add_starter(row, problem);
  return problem;
}

std::string id_of(const json& row, size_t line_number) {
  const json* id = find(row, {"id", "unique_id", "task_id", "question_id", "problem_id",
                              "qid", "ID", "idx", "index"});
  return id == nullptr ? std::to_string(line_number) : plain_text(*id);
}

}  // namespace

std::vector<TaskItem> read_task_file(const TaskConfig& task) {
  Lines lines(task.path);
  std::vector<TaskItem> items;
  std::set<std::string> ids;
  std::string line;
  uint64_t counted = 0;
  for (size_t number = 1; lines.next(line); ++number) {
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string place = task.path.string() + ":" + std::to_string(number);
    const json row = json::parse(line, nullptr, false);
    REQUIRE(row.is_object(), kBadFile,
            place << ": not a JSON object (expected one a line)");
    if (!task.filter_field.empty() &&
        field_text(row, task.filter_field) != task.filter_value) {
      continue;
    }
    if (counted++ < task.skip) continue;
    TaskItem item;
    item.problem = read_row(line, row, task, place);
    item.problem.id = task.name + ":" + id_of(row, number);
    if (!ids.insert(item.problem.id).second) {
      item.problem.id += ":" + std::to_string(number);
      ids.insert(item.problem.id);
    }
    if (!task.hint.empty()) item.problem.question += "\n" + task.hint;
    if (!task.group.empty()) item.group = field_text(row, task.group);
    items.push_back(std::move(item));
    if (task.limit > 0 && items.size() >= task.limit) break;
  }
  REQUIRE(!items.empty(), kBadFile,
          task.path.string() << " has no problem for task " << task.name << " ("
                             << counted << " lines pass the filter, skip = " << task.skip
                             << ")");
  return items;
}

}  // namespace srpo::evaluation
