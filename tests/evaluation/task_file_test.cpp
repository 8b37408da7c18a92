#include "evaluation/task_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::evaluation {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

class TaskFileTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  TaskConfig task(const std::string& lines, TaskLayout layout,
                  const std::string& kind = "choice") {
    path_ = std::filesystem::temp_directory_path() /
            ("task_" + std::to_string(::getpid()) + ".jsonl");
    std::ofstream(path_) << lines;
    TaskConfig task;
    task.name = "t";
    task.path = path_;
    task.layout = layout;
    task.kind = kind;
    return task;
  }

  std::filesystem::path path_;
};

TEST_F(TaskFileTest, ReadsOptionsInEveryFormThatSetsHave) {
  const auto items = read_task_file(task(
      R"({"question": "q?", "options": ["A)one", "B)two"], "correct": "B"}
{"question": "q?", "choices": ["one", "two"], "answer": 1}
{"id": "x", "question": {"stem": "q?", "choices": [{"label": "A", "text": "one"}, {"label": "B", "text": "two"}]}, "answerKey": "B"}
{"question": "q?", "choices": {"text": ["one", "two"], "label": ["A", "B"]}, "answerKey": "b"}
{"question": "q?", "choices": ["one", "two"], "answer": "two"}
)",
      TaskLayout::kChoice));
  ASSERT_EQ(items.size(), 5u);
  for (const TaskItem& item : items) {
    EXPECT_EQ(item.problem.question, "q?\nA) one\nB) two");
    EXPECT_EQ(item.problem.reference, "B");
    EXPECT_EQ(item.problem.kind, "choice");
  }
  EXPECT_EQ(items[0].problem.id, "t:1");
  EXPECT_EQ(items[2].problem.id, "t:x");
}

TEST_F(TaskFileTest, FiltersBeforeItSkipsAndLimits) {
  TaskConfig config = task(
      R"({"problem": "a", "answer": "1", "level": "Level 5"}
{"problem": "b", "answer": "2", "level": "Level 4"}
{"problem": "c", "answer": "3", "level": "Level 5"}
{"problem": "d", "answer": "4", "level": "Level 5"}
)",
      TaskLayout::kQuestion, "math");
  config.filter_field = "level";
  config.filter_value = "Level 5";
  config.skip = 1;
  config.limit = 1;
  config.group = "level";
  config.hint = "Say it.";
  const auto items = read_task_file(config);
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].problem.question, "c\nSay it.");
  EXPECT_EQ(items[0].group, "Level 5");
}

TEST_F(TaskFileTest, ReadsYesNoAndScience) {
  EXPECT_EQ(
      read_task_file(task(R"({"question": "q?", "answer": true})", TaskLayout::kYesNo))[0]
          .problem.reference,
      "yes");
  const auto items = read_task_file(task(
      R"({"question": "q?", "type": "mcq-4-choices", "choices": {"text": ["x) y", "z"], "label": ["A", "B"]}, "answerKey": "A", "domain": "Physics"}
{"question": "how much?", "type": "open-ended-qa", "answer": "0.25 mol/L", "domain": "Physics"}
)",
      TaskLayout::kScience, "free_text"));
  EXPECT_EQ(items[0].problem.question, "q?\n\nA. x) y\nB. z");
  EXPECT_EQ(items[0].problem.kind, "choice");
  EXPECT_EQ(items[1].problem.kind, "free_text");
  EXPECT_EQ(items[1].problem.reference, "0.25 mol/L");
}

TEST_F(TaskFileTest, SaysInWhichLineWhatIsWrong) {
  const auto refuses = [&](const std::string& line, TaskLayout layout,
                           const std::string& words) {
    const TaskConfig config = task("\n" + line + "\n", layout);
    EXPECT_THAT([&] { read_task_file(config); },
                ThrowsMessage<core::Error>(
                    testing::AllOf(HasSubstr(".jsonl"), HasSubstr(words))));
  };
  refuses("{\"question\"", TaskLayout::kChoice, ":2: not a JSON object");
  refuses(R"({"question": "q"})", TaskLayout::kChoice, ":2: no options");
  refuses(R"({"question": "q", "options": ["a"], "answer": "A"})", TaskLayout::kChoice,
          "1 options");
  refuses(R"({"question": "q", "options": ["a", "b"], "answer": "none"})",
          TaskLayout::kChoice, "answer 'none'");
  refuses(R"({"question": "q", "answer": "perhaps"})", TaskLayout::kYesNo, "yes or no");
  refuses("", TaskLayout::kChoice, "has no problem");
}

TEST(TaskFile, ReadsThePublicSetsWhereTheyAre) {
  const char* chosen = std::getenv("SRPO_DATA");
  const std::filesystem::path folder =
      (chosen != nullptr ? std::filesystem::path(chosen)
                         : std::filesystem::path(SRPO_SOURCE_DIR) / "../shared/data") /
      "problems";
  if (!std::filesystem::is_directory(folder))
    GTEST_SKIP() << folder << " is not there: the public sets are not tested";
  const std::map<std::string, size_t> sizes = {
      {"gsm8k", 1319},         {"amc", 40},       {"aime", 30},
      {"olympiadbench", 675},  {"minerva", 272},  {"svamp", 1000},
      {"mmlu_stem", 3018},     {"aqua", 254},     {"sat_math", 32},
      {"commonsenseqa", 1221}, {"humaneval", 164}};
  for (const auto& [name, size] : sizes) {
    const auto job =
        core::ConfigTable::parse("evaluation: {data_folder: '" + folder.string() +
                                     "', tasks: [{preset: " + name + "}]}",
                                 "job");
    const auto items = read_task_file(EvaluationConfig::read(job, 1).tasks[0]);
    EXPECT_EQ(items.size(), size) << name;
    for (const TaskItem& item : items) {
      EXPECT_FALSE(item.problem.question.empty() || item.problem.reference.empty())
          << item.problem.id;
    }
  }
}

}  // namespace
}  // namespace srpo::evaluation
