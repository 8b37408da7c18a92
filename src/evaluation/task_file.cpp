#include "evaluation/task_file.h"

#include <cctype>
#include <memory>
#include <set>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "storage/choice_problem.h"
#include "storage/problem_set.h"
#include "storage/row_fields.h"

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

std::string named_text(const json& row, const std::string& field) {
  const json* found = storage::find_field(row, {field.c_str()});
  if (found == nullptr && row.contains("details")) {  // SciKnowEval
    found = storage::find_field(row["details"], {field.c_str()});
  }
  return found == nullptr ? "" : storage::field_text(*found);
}

records::Problem read_yes_no(const json& row, const std::string& place) {
  const json* question = storage::find_field(row, {"question", "input"});
  const json* answer = storage::find_field(row, {"answer", "target", "label"});
  REQUIRE(question != nullptr && answer != nullptr, kBadFile,
          place << ": no question or no answer");
  records::Problem problem;
  problem.kind = "yes_no";
  problem.question = storage::field_text(*question);
  std::string text = storage::field_text(*answer);
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
  const std::string type = named_text(row, "type");
  if (type.find("mcq") != std::string::npos) {
    records::Problem problem = storage::read_choice_problem(row, place);
    const std::string stem = storage::field_text(row["question"]);
    std::string lines = problem.question.substr(stem.size());
    for (size_t at = 0; (at = lines.find(") ", at)) != std::string::npos; ++at) {
      if (at >= 2 && lines[at - 2] == '\n') lines[at] = '.';
    }
    problem.question = stem + "\n" + lines;
    return problem;
  }
  records::Problem problem;
  const json* answer = storage::find_field(row, {"answer", "answerKey"});
  REQUIRE(answer != nullptr && row.contains("question"), kBadFile,
          place << ": no question or no answer");
  problem.kind = kind;
  problem.question = storage::field_text(row["question"]);
  problem.reference = storage::field_text(*answer);
  return problem;
}

/// Competition problems carry code to start from.
void add_starter(const json& row, records::Problem& problem) {
  const std::string starter = named_text(row, "starter_code");
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
      return storage::read_choice_problem(row, place);
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
  const json* id = storage::find_field(row, {"id", "unique_id", "task_id", "question_id",
                                             "problem_id", "qid", "ID", "idx", "index"});
  return id == nullptr ? std::to_string(line_number) : storage::field_text(*id);
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
        named_text(row, task.filter_field) != task.filter_value) {
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
    if (!task.group.empty()) item.group = named_text(row, task.group);
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
