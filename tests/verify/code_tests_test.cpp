#include "verify/code_tests.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace srpo::verify {
namespace {

// base64(zlib(pickle.dumps(json.dumps([{"input": "1\n", "output": "2\n", "testtype":
// "stdin"}])))), as LiveCodeBench packs its private tests.
constexpr char kPacked[] =
    "eJxrYJlqwwABPRbR1UqZeQWlJUpWCkqGMXlKOgpK+aUlUAEjiEBJanFJSWVBKkiouCQlM0+p"
    "NnaKHgCVCRRG";

TEST(CodeTestsTest, ReadsItsOwnFormat) {
  const CodeTests tests = parse_code_tests(
      R"({"tests":[{"input":"1\n","output":"2"}],"time_limit_s":2.5,"reward":"all",)"
      R"("language":"cpp","checker":{"kind":"tolerance","absolute":0.5},"memory_mb":64})");
  EXPECT_EQ(tests.form, TestForm::kStdin);
  ASSERT_EQ(tests.tests.size(), 1u);
  EXPECT_EQ(tests.tests[0].input, "1\n");
  EXPECT_EQ(tests.tests[0].expected, "2");
  EXPECT_EQ(tests.time_limit_s, 2.5);
  EXPECT_EQ(tests.reward, CodeReward::kAll);
  EXPECT_EQ(tests.checker.kind, CheckerKind::kTolerance);
  EXPECT_EQ(tests.checker.absolute, 0.5);
  EXPECT_EQ(tests.memory_mb, 64u);
  const CodeTests calls =
      parse_code_tests(R"({"function":"f","tests":[{"args":[1,"a"],"result":[2]}]})");
  EXPECT_EQ(calls.form, TestForm::kCall);
  EXPECT_EQ(calls.tests[0].input, "[1,\"a\"]");
  EXPECT_EQ(calls.tests[0].expected, "[2]");
}

TEST(CodeTestsTest, ReadsRowsOfLiveCodeBench) {
  nlohmann::json row;
  row["question_content"] = "?";
  row["public_test_cases"] =
      R"([{"input":"[1, 2]\n3","output":"6","testtype":"functional"}])";
  row["private_test_cases"] =
      R"([{"input":"[]\n0","output":"0","testtype":"functional"}])";
  row["metadata"] = R"({"func_name":"add"})";
  row["reward"] = "lcb_compat";
  const CodeTests tests = parse_code_tests(row.dump());
  EXPECT_EQ(tests.form, TestForm::kCall);
  EXPECT_EQ(tests.function, "add");
  ASSERT_EQ(tests.tests.size(), 2u);
  EXPECT_EQ(tests.tests[0].input, "[[1, 2],3]");
  EXPECT_EQ(tests.tests[0].expected, "6");
  EXPECT_EQ(tests.reward, CodeReward::kLcbCompat);
  EXPECT_EQ(tests.extraction, CodeExtraction::kLastFences);
  EXPECT_TRUE(tests.with_imports);
}

TEST(CodeTestsTest, UnpacksPrivateTestCases) {
  nlohmann::json row;
  row["private_test_cases"] = kPacked;
  const CodeTests tests = parse_code_tests(row.dump());
  EXPECT_EQ(tests.form, TestForm::kStdin);
  ASSERT_EQ(tests.tests.size(), 1u);
  EXPECT_EQ(tests.tests[0].input, "1\n");
  EXPECT_EQ(tests.tests[0].expected, "2\n");
}

TEST(CodeTestsTest, RefusesAPickleOfAnythingButAText) {
  EXPECT_THROW(
      unpack_test_cases("eJxrYJkqxwABPRxJpZk5JZl5xVN6WAuKMvNKpkye0sNYMaV1StAUPQDyFg4J"),
      core::Error);
  EXPECT_THROW(unpack_test_cases("!!"), core::Error);
  EXPECT_THROW(unpack_test_cases(""), core::Error);
}

TEST(CodeTestsTest, ReadsAppsAndTheMethodsSideFiles) {
  const CodeTests tests =
      parse_code_tests(R"({"inputs":["1\n",["a","b"]],"outputs":["2\n",["c"]]})");
  EXPECT_EQ(tests.form, TestForm::kStdin);
  EXPECT_EQ(tests.tests[1].input, "a\nb\n");
  EXPECT_EQ(tests.tests[1].expected, "c\n");
  nlohmann::json side;
  side["input_output"] = R"({"inputs":["1\n2","[3]"],"outputs":["3","4"],"fn_name":"f"})";
  side["reward"] = "lcb_compat";
  const CodeTests calls = parse_code_tests(side.dump());
  EXPECT_EQ(calls.form, TestForm::kCall);
  EXPECT_EQ(calls.tests[0].input, "[1,2]");
  EXPECT_EQ(calls.tests[1].input, "[[3]]");
  EXPECT_EQ(calls.reward, CodeReward::kLcbCompat);
  const CodeTests lists =
      parse_code_tests(R"({"inputs":[[1,[2]]],"outputs":[[3]],"fn_name":"f"})");
  EXPECT_EQ(lists.tests[0].input, "[1,[2]]");
  EXPECT_TRUE(lists.tests[0].or_first_item);
}

TEST(CodeTestsTest, ReadsRowsOfHumanEvalAndMbpp) {
  const CodeTests tests = parse_code_tests(
      R"({"prompt":"def f():\n","entry_point":"f","test":"def check(c):\n  pass\n"})");
  EXPECT_EQ(tests.form, TestForm::kCheck);
  EXPECT_EQ(tests.function, "f");
  EXPECT_EQ(tests.checks[0], "def check(c):\n  pass\n\ncheck(f)\n");
  const CodeTests mbpp = parse_code_tests(
      R"J({"test_list":["assert set(similar((3, 4))) == {3}","assert similar(1)"]})J");
  EXPECT_EQ(mbpp.function, "similar");
  EXPECT_EQ(mbpp.checks.size(), 2u);
}

TEST(CodeTestsTest, SaysWhatIsWrong) {
  for (const char* bad :
       {"", "[]", "{}", "{\"tests\":[]}", "{\"tests\":[{\"input\":1,\"output\":\"\"}]}",
        "{\"tests\":[3]}", "{\"inputs\":[\"1\"],\"outputs\":[]}",
        "{\"tests\":[{\"input\":\"\",\"output\":\"\"}],\"reward\":\"none\"}",
        "{\"tests\":[{\"input\":\"\",\"output\":\"\"}],\"time_limit_s\":0}",
        "{\"tests\":[{\"input\":\"\",\"output\":\"\"}],\"time_limit_s\":\"1\"}",
        "{\"function\":\"f\",\"language\":\"cpp\",\"tests\":[{\"args\":[],\"result\":1}]"
        "}",
        "{\"test_list\":[\"assert 1\"]}", "{\"input_output\":\"{\"}"}) {
    EXPECT_THROW(parse_code_tests(bad), core::Error) << bad;
  }
}

}  // namespace
}  // namespace srpo::verify
