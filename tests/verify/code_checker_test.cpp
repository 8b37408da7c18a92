#include "verify/code_checker.h"

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

bool right(CheckerKind kind, const std::string& output, const std::string& expected) {
  Checker checker;
  checker.kind = kind;
  return output_is_right(checker, output, expected);
}

TEST(CodeCheckerTest, ComparesLinesAsLiveCodeBenchDoes) {
  EXPECT_TRUE(right(CheckerKind::kLines, " 1 2 \n3\n\n", "1 2\n3"));
  EXPECT_TRUE(right(CheckerKind::kLines, "1.0 2e1", "1 20.00"));
  EXPECT_TRUE(right(CheckerKind::kLines, "1  2", "1 2"));
  EXPECT_TRUE(right(CheckerKind::kLines, "-0.0", "0"));
  EXPECT_TRUE(right(CheckerKind::kLines, "inf", "Infinity"));
  EXPECT_FALSE(right(CheckerKind::kLines, "nan", "NaN"));
  EXPECT_FALSE(right(CheckerKind::kLines, "yes no", "yes  no"));
  EXPECT_FALSE(right(CheckerKind::kLines, "1\n\n2", "1\n2"));
  EXPECT_FALSE(right(CheckerKind::kLines, "1 2\n", "1\n2"));
  EXPECT_FALSE(right(CheckerKind::kLines, "", "0"));
  EXPECT_FALSE(right(CheckerKind::kLines, "0.3000000000000000001", "0.3"));
  EXPECT_TRUE(right(CheckerKind::kLines, "a\r\nb\r\n", "a\nb"));
}

TEST(CodeCheckerTest, ComparesDecimalsExactly) {
  EXPECT_TRUE(same_decimal("100", "1e2"));
  EXPECT_TRUE(same_decimal("0.001", "1E-3"));
  EXPECT_TRUE(same_decimal("+1_000", "1000"));
  EXPECT_TRUE(same_decimal("00.10", ".1"));
  EXPECT_TRUE(same_decimal("0e99999", "-0"));
  EXPECT_FALSE(same_decimal("1e999999999999", "1e999999999998"));
  EXPECT_FALSE(same_decimal("1", "-1"));
  EXPECT_FALSE(same_decimal("1e", "1"));
  EXPECT_FALSE(same_decimal("e1", "e1"));
  EXPECT_FALSE(same_decimal("", ""));
  EXPECT_FALSE(same_decimal("1.2.3", "1.2.3"));
}

TEST(CodeCheckerTest, ComparesTokensAndBytes) {
  EXPECT_TRUE(right(CheckerKind::kTokens, "a\n b  c", "a b c\n"));
  EXPECT_FALSE(right(CheckerKind::kTokens, "a b", "a b c"));
  EXPECT_TRUE(right(CheckerKind::kExact, "a\n", "a\n"));
  EXPECT_FALSE(right(CheckerKind::kExact, "a", "a\n"));
}

TEST(CodeCheckerTest, AllowsWhatTheToleranceAllows) {
  EXPECT_TRUE(right(CheckerKind::kTolerance, "0.3333333 x", "0.33333334 x"));
  EXPECT_TRUE(right(CheckerKind::kTolerance, "1000000.5", "1000000.0"));
  EXPECT_FALSE(right(CheckerKind::kTolerance, "1.1", "1.0"));
  EXPECT_FALSE(right(CheckerKind::kTolerance, "nan", "1.0"));
  EXPECT_FALSE(right(CheckerKind::kTolerance, "inf", "1e300"));
  EXPECT_FALSE(right(CheckerKind::kTolerance, "1 2", "1"));
  Checker tight;
  tight.kind = CheckerKind::kTolerance;
  tight.relative = 0;
  EXPECT_FALSE(output_is_right(tight, "1000000.5", "1000000.0"));
}

TEST(CodeCheckerTest, ComparesJsonAsPythonWould) {
  EXPECT_TRUE(same_json("[1, 2.0, true, null]", "[1.0,2,1,null]"));
  EXPECT_TRUE(same_json("{\"a\": 1, \"b\": [\"x\"]}", "{\"b\":[\"x\"],\"a\":1}"));
  EXPECT_TRUE(
      same_json("123456789012345678901234567890", "123456789012345678901234567890"));
  EXPECT_FALSE(
      same_json("123456789012345678901234567890", "123456789012345678901234567891"));
  EXPECT_FALSE(same_json("1", "\"1\""));
  EXPECT_FALSE(same_json("[1]", "1"));
  EXPECT_FALSE(same_json("0.30000000000000004", "0.3"));
  EXPECT_FALSE(same_json("NaN", "NaN"));
  EXPECT_FALSE(same_json("1} {", "1"));
  EXPECT_FALSE(same_json("", ""));
  EXPECT_TRUE(same_json("\"\\u00e9\"", "\"\xc3\xa9\""));
}

TEST(CodeCheckerTest, BoundsNestedJson) {
  const std::string deep = std::string(1000000, '[') + std::string(1000000, ']');
  EXPECT_FALSE(same_json(deep, deep));
  const std::string shallow = std::string(900, '[') + std::string(900, ']');
  EXPECT_TRUE(same_json(shallow, shallow));
}

}  // namespace
}  // namespace srpo::verify
