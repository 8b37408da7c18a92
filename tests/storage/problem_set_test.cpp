#include "storage/problem_set.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "core/files.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::storage {
namespace {

using core::ErrorKind;
using test::expect_error;

ProblemSet load(const std::string& lines, const ProblemSetOptions& options = {}) {
  const test::ScratchFolder folder;
  core::write_file(folder / "set.jsonl", lines);
  return ProblemSet::load(folder / "set.jsonl", options);
}

std::string reference_of(const std::string& line) { return load(line)[0].reference; }

TEST(ProblemSet, ReadsQuestionAnswerAndIdInTheUsualNames) {
  const ProblemSet set = load(
      "{\"question\":\"a\",\"answer\":\"1\",\"id\":\"x\"}\n"
      "\n"
      "{\"problem\":\"b\",\"solution\":\"so $\\\\boxed{\\\\frac{1}{2}}$.\",\"idx\":7}\r\n"
      "{\"prompt\":\"c\",\"reference\":3.5}\n"
      "{\"input\":\"d\",\"final_answer\":[\"2\"],\"answer\":\"not this\"}\n"
      "{\"Question\":\"How many?\",\"Body\":\"Two birds.\",\"Answer\":2.0}");
  ASSERT_EQ(set.size(), 5U);
  EXPECT_EQ(set[0].id, "set:x");
  EXPECT_EQ(set[0].kind, "math");
  EXPECT_EQ(set[1].id, "set:7");
  EXPECT_EQ(set[1].reference, "\\frac{1}{2}");
  EXPECT_EQ(set[2].id, "set:4");
  EXPECT_EQ(set[2].reference, "3.5");
  EXPECT_EQ(set[3].reference, "2");
  EXPECT_EQ(set[4].question, "Two birds. How many?");
  EXPECT_EQ(set[4].reference, "2");
}

TEST(ProblemSet, TakesTheFinalAnswerOutOfALongOne) {
  EXPECT_EQ(reference_of(R"({"question":"q","answer":"6*3=<<6*3=18>>18\n#### 1,018"})"),
            "1,018");
  EXPECT_EQ(reference_of(
                R"({"question":"q","answer":"first \\boxed{1}, then \\boxed{x^{2}}"})"),
            "x^{2}");
  EXPECT_EQ(reference_of(R"({"question":"q","answer":-4})"), "-4");
  EXPECT_EQ(reference_of(R"({"question":"q","final_answer":["1","2"]})"), "1, 2");
}

TEST(ProblemSet, NamesFileAndLineOfWhatItRefuses) {
  expect_error(ErrorKind::kBadFile, "set.jsonl:2: not a JSON object in one line",
               [] { load("{\"question\":\"a\",\"answer\":\"1\"}\n{\"question\":\n"); });
  expect_error(ErrorKind::kBadFile, "set.jsonl:1: array (expected a JSON object)",
               [] { load("[1]\n"); });
  expect_error(ErrorKind::kBadFile, "set.jsonl:1: no question",
               [] { load("{\"answer\":\"1\"}\n"); });
  expect_error(ErrorKind::kBadFile, "set.jsonl:1: no answer",
               [] { load("{\"question\":\"1\"}\n"); });
  expect_error(ErrorKind::kBadFile, "set.jsonl:1: no answer", [] {
    load("{\"question\":\"1\",\"solution\":\"\\\\boxed{never closed\"}\n");
  });
  expect_error(ErrorKind::kBadFile, "set.jsonl:1: no question",
               [] { load("{\"question\":{\"stem\":\"s\"},\"answer\":\"1\"}"); });
  expect_error(ErrorKind::kBadFile, "set.jsonl:1: has options",
               [] { load("{\"question\":\"q\",\"answer\":\"A\",\"choices\":[\"A\"]}"); });
  expect_error(ErrorKind::kBadFile, "set.jsonl:2: id 'set:1' stands in line 1 already",
               [] {
                 load(
                     "{\"question\":\"a\",\"answer\":\"1\",\"id\":1}\n{\"question\":"
                     "\"b\",\"answer\":\"1\",\"id\":1}\n");
               });
  expect_error(ErrorKind::kBadFile, "has 0 problems", [] { load("\n\n"); });
  expect_error(ErrorKind::kBadFile, "not a JSON object",
               [] { load(std::string(200000, '[')); });
  expect_error(ErrorKind::kBadFile, "not a JSON object",
               [] { load("{\"question\":\"\xff\",\"answer\":\"1\"}"); });
  expect_error(ErrorKind::kBadFile, "cannot be read",
               [] { ProblemSet::load("/nowhere/x.jsonl"); });
}

TEST(ProblemSet, TakesTheTestsOfProgramsAsTheyStand) {
  const ProblemSet set = load(R"({"question":"a","tests":{"tests":[],"language":"c"}})"
                              "\n"
                              R"({"text":"b","tests":[{"input":"","output":""}]})"
                              "\n"
                              R"({"prompt":"c","test":"check","entry_point":"f"})"
                              "\n",
                              {"code", 0, {}});
  ASSERT_EQ(set.size(), 3U);
  EXPECT_EQ(set[0].kind, "code");
  EXPECT_EQ(set[0].reference, R"({"language":"c","tests":[]})");
  EXPECT_EQ(set[1].question, "b");
  EXPECT_EQ(set[1].reference, R"({"tests":[{"input":"","output":""}]})");
  EXPECT_EQ(set[2].reference, R"({"entry_point":"f","prompt":"c","test":"check"})");
}

TEST(ProblemSet, TakesTheAskedRangeAndNoMore) {
  std::string lines;
  for (int i = 0; i < 10; ++i)
    lines += "{\"question\":\"" + std::to_string(i) + "\",\"answer\":1}\n";
  const ProblemSet set = load(lines + "{broken", {"math", 3, 4});
  ASSERT_EQ(set.size(), 4U);
  EXPECT_EQ(set[0].question, "3");
  EXPECT_EQ(set[0].id, "set:4");
  EXPECT_EQ(set[3].question, "6");
  expect_error(ErrorKind::kBadFile, "has 10 problems and skip=10", [&] {
    load(lines, {"math", 10, {}});
  });
}

TEST(ProblemSet, JoinsSetsAndRefusesSharedIds) {
  const ProblemSet a = load("{\"question\":\"a\",\"answer\":1,\"id\":\"a\"}\n");
  const ProblemSet b = load("{\"question\":\"b\",\"answer\":1,\"id\":\"b\"}\n");
  EXPECT_EQ(ProblemSet::join({a, b}).size(), 2U);
  expect_error(ErrorKind::kBadConfig, "'set:a' is in problem set 1 and in set 3", [&] {
    ProblemSet::join({a, b, a});
  });
}

TEST(ProblemSet, OrdersEachEpochByTheSeedAlone) {
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "{\"question\":\"q\",\"answer\":1}\n";
  const ProblemSet set = load(lines);
  const std::vector<size_t> order = set.order(42, 0);
  EXPECT_EQ(order, set.order(42, 0));
  EXPECT_NE(order, set.order(42, 1));
  EXPECT_NE(order, set.order(43, 0));
  std::vector<size_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<size_t> all(100);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(sorted, all);
}

TEST(BoxedAnswer, BalancesBracesAndTakesTheLast) {
  EXPECT_EQ(boxed_answer("\\boxed{1} and \\boxed{\\frac{a}{b}}."), "\\frac{a}{b}");
  EXPECT_EQ(boxed_answer("\\boxed{1} \\fbox{2}"), "2");
  EXPECT_EQ(boxed_answer("nothing"), std::nullopt);
  EXPECT_EQ(boxed_answer("\\boxed{{}"), std::nullopt);
}

std::filesystem::path public_data() {
  const char* given = std::getenv("SRPO_DATA");
  return given != nullptr ? std::filesystem::path(given)
                          : std::filesystem::path(SRPO_SOURCE_DIR) / "../shared/data";
}

TEST(ProblemSet, ReadsThePublicSets) {
  const std::filesystem::path folder = public_data() / "problems";
  if (!std::filesystem::exists(folder))
    GTEST_SKIP() << folder << " is absent (set SRPO_DATA)";
  struct Expected {
    const char* file;
    size_t size;
    const char* first_reference;
  };
  for (const Expected& expected :
       {Expected{"gsm8k_train.jsonl", 7473, "72"},
        Expected{"gsm8k_test.jsonl", 1319, "18"}, Expected{"aime24.jsonl", 30, "204"},
        Expected{"amc23.jsonl", 40, "27"}, Expected{"minerva_math.jsonl", 272, "1.6"},
        Expected{"olympiadbench.jsonl", 675, "2"},
        Expected{"svamp.jsonl", 1000, "145"}}) {
    const ProblemSet set = ProblemSet::load(folder / expected.file);
    EXPECT_EQ(set.size(), expected.size) << expected.file;
    EXPECT_EQ(set[0].reference, expected.first_reference) << expected.file;
  }
  expect_error(ErrorKind::kBadFile, "sat_math.jsonl:1: has options",
               [&] { ProblemSet::load(folder / "sat_math.jsonl"); });
  ProblemSetOptions choice;
  choice.kind = "choice";
  for (const Expected& expected :
       {Expected{"aqua.jsonl", 254, "A"}, Expected{"sat_math.jsonl", 32, "A"},
        Expected{"commonsenseqa_dev.jsonl", 1221, "A"},
        Expected{"mmlu_stem.jsonl", 3018, "C"}}) {
    const ProblemSet set = ProblemSet::load(folder / expected.file, choice);
    EXPECT_EQ(set.size(), expected.size) << expected.file;
    EXPECT_EQ(set[0].reference, expected.first_reference) << expected.file;
  }
  expect_error(ErrorKind::kBadFile, "multiarith.json:1:", [&] {
    ProblemSet::load(folder / "multiarith.json");
  });
}

}  // namespace
}  // namespace srpo::storage
