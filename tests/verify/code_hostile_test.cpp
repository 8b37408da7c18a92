// Whatever stands in a response, in tests or in an output: a result, never a crash.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"
#include "verify/code_checker.h"
#include "verify/code_extraction.h"
#include "verify/code_tests.h"

namespace srpo::verify {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string repeated(const std::string& text, size_t bytes) {
  std::string all;
  while (all.size() < bytes) all += text;
  return all;
}

void read_tests(const std::string& text) {
  try {
    parse_code_tests(text);
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput) << error.what();
  }
}

void unpack(const std::string& text) {
  try {
    unpack_test_cases(text);
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput) << error.what();
  }
}

void compare(const std::string& output, const std::string& expected) {
  for (const CheckerKind kind : {CheckerKind::kLines, CheckerKind::kExact,
                                 CheckerKind::kTokens, CheckerKind::kTolerance}) {
    Checker checker;
    checker.kind = kind;
    output_is_right(checker, output, expected);
  }
  same_json(output, expected);
  same_decimal(output, expected);
}

void extract(const std::string& response) {
  code_blocks(response);
  code_between_last_fences(response);
  code_in_language(response, {"python", "py"});
}

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> kSeeds = {
      "Text\n```python\nprint(1)\n```\n",
      "  ~~~~py\n  x\n  ~~~\n~~~~\n```\nrest",
      R"({"tests":[{"input":"1\n","output":"2\n"}],"checker":{"kind":"tolerance","absolute":1e-6}})",
      R"({"function":"f","tests":[{"args":[1,[2.5,null]],"result":{"a":true}}],"time_limit_s":3})",
      R"({"inputs":["1"],"outputs":[["2"]],"fn_name":"f"})",
      R"({"public_test_cases":"[{\"input\":\"1\",\"output\":\"2\",\"testtype\":\"stdin\"}]","private_test_cases":"eJxrYJkqxwABPRxJpZk5JZl5xVN6WAuKMvNKpkye0sNYMaV1StAUPQDyFg4J","metadata":"{}"})",
      R"({"prompt":"def f(x):\n","test":"def check(c):\n  assert c(1)\n","entry_point":"f"})",
      R"({"test_list":["assert f(1) == 1"],"test_setup_code":""})",
      "eJxrYJkqxwABPRxJpZk5JZl5xVN6WAuKMvNKpkye0sNYMaV1StAUPQDyFg4J",
      "1 2 3\n-4.50 1e309 nan\n",
      R"([1, 2.0, "é", [true, null], {"k": -1e-5}])"};
  return kSeeds;
}

std::string mutated(std::string text, core::Rng& rng) {
  static const std::vector<std::string> kPieces = {"```",
                                                   "~~~",
                                                   "\n",
                                                   "[",
                                                   "]",
                                                   "{",
                                                   "}",
                                                   "\"",
                                                   "\\",
                                                   ":",
                                                   ",",
                                                   std::string(1, '\0'),
                                                   "\xff",
                                                   "\xc3",
                                                   "1e999",
                                                   "-",
                                                   "9999999999999999999999",
                                                   "null",
                                                   "tests",
                                                   "\\u0000",
                                                   "\\ud800",
                                                   "    ",
                                                   "\t",
                                                   "\r"};
  for (uint64_t left = 1 + rng.below(6); left > 0; --left) {
    const size_t at = rng.below(text.size() + 1);
    switch (rng.below(4)) {
      case 0:
        text.erase(at, 1 + rng.below(4));
        break;
      case 1:
        text.insert(at, kPieces[rng.below(kPieces.size())]);
        break;
      case 2:
        text.insert(at, 1, static_cast<char>(rng.below(256)));
        break;
      default:
        text.insert(at, text.substr(rng.below(text.size() + 1), rng.below(40)));
    }
  }
  return text;
}

TEST(CodeHostile, ReadsMegabytesInLinearTime) {
  const size_t size = 1 << 20;
  const std::vector<std::string> texts = {
      repeated("[", size),
      repeated("{\"tests\":", size),
      repeated("```\n", size),
      repeated("`", size),
      repeated("~~~x\n", size),
      repeated(" \n", size),
      std::string(size, '\0'),
      repeated("\xff", size),
      repeated("9", size),
      "{\"tests\":" + repeated("[", size / 2) + repeated("]", size / 2) + "}",
      "{\"function\":\"f\",\"tests\":[{\"args\":[" + repeated("[", size / 2) +
          repeated("]", size / 2) + "],\"result\":1}]}"};
  for (const std::string& text : texts) {
    const auto start = Clock::now();
    extract(text);
    read_tests(text);
    unpack(text);
    compare(text, text);
    EXPECT_LT(seconds_since(start), 5) << text.substr(0, 30);
  }
}

TEST(CodeHostile, SurvivesRandomAndMutatedTexts) {
  const char* minutes = std::getenv("SRPO_FUZZ_MINUTES");
  const double seconds = minutes == nullptr ? 1 : std::atof(minutes) * 60;
  const auto start = Clock::now();
  double longest = 0;
  uint64_t number = 0;
  for (; seconds_since(start) < seconds; ++number) {
    core::Rng rng(8, core::Purpose::kTest, number);
    const std::string& seed = seeds()[rng.below(seeds().size())];
    const std::string text = mutated(seed, rng);
    const auto before = Clock::now();
    extract(text);
    read_tests(text);
    unpack(text);
    compare(text, seed);
    longest = std::max(longest, seconds_since(before));
  }
  std::printf("fuzz: %llu texts, longest %.1f ms\n",
              static_cast<unsigned long long>(number), longest * 1000);
  EXPECT_GT(number, 100U);
  EXPECT_LT(longest, 3.0);
}

}  // namespace
}  // namespace srpo::verify
