#include "verify/code_extraction.h"

#include <gtest/gtest.h>

namespace srpo::verify {
namespace {

const std::vector<std::string> kPython = {"python", "py"};

TEST(CodeExtractionTest, TakesWhatIsBetweenTheLastTwoFences) {
  EXPECT_EQ(code_between_last_fences("a\n```python\nx = 1\ny\n```\nb"), "x = 1\ny");
  EXPECT_EQ(code_between_last_fences("```\n1\n```\ntext\n```\n2\n```"), "2");
  EXPECT_EQ(code_between_last_fences("``` a ```\nb\n``` c"), "b");
  EXPECT_EQ(code_between_last_fences("```py\n```"), "");
}

TEST(CodeExtractionTest, NeedsTwoFences) {
  EXPECT_EQ(code_between_last_fences("```python\nx"), std::nullopt);
  EXPECT_EQ(code_between_last_fences(""), std::nullopt);
}

TEST(CodeExtractionTest, PrefersTheLastBlockInTheLanguage) {
  const std::string text =
      "```python\nfirst\n```\n```Python3\nx\n```\n```py\nlast\n```\n```\nbare\n```\n"
      "```bash\nls\n```";
  EXPECT_EQ(code_in_language(text, kPython), "last\n");
  EXPECT_EQ(code_in_language("```\nbare\n```\n```sh\nx\n```", kPython), "bare\n");
  EXPECT_EQ(code_in_language("```sh\nx\n```", kPython), std::nullopt);
  EXPECT_EQ(code_in_language("none", kPython), std::nullopt);
}

TEST(CodeExtractionTest, FollowsTheRulesOfFences) {
  EXPECT_EQ(code_in_language("````py\n```\nin\n```\n````", kPython), "```\nin\n```\n");
  EXPECT_EQ(code_in_language("~~~py\na\n```\nb\n~~~", kPython), "a\n```\nb\n");
  EXPECT_EQ(code_in_language("  ```py\n  a\n    b\n  ```", kPython), "a\n  b\n");
  EXPECT_EQ(code_in_language("```py\ncut off", kPython), "cut off\n");
  EXPECT_EQ(code_in_language("use ```py``` here\n", kPython), std::nullopt);
  EXPECT_EQ(code_in_language("```py\r\na\r\n```\r\n", kPython), "a\n");
  EXPECT_EQ(code_in_language("```{.py}\na\n```", {""}), "a\n");
}

TEST(CodeExtractionTest, SurvivesAMillionFences) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "```py\n\0\xff";
  EXPECT_TRUE(code_between_last_fences(text).has_value());
  EXPECT_TRUE(code_in_language(text, kPython).has_value());
  EXPECT_FALSE(code_in_language(std::string(1 << 20, '`'), kPython).has_value());
}

}  // namespace
}  // namespace srpo::verify
