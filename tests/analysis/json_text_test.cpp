#include "analysis/json_text.h"

#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/random.h"

namespace srpo::analysis {
namespace {

TEST(JsonString, EscapesAndKeepsText) {
  EXPECT_EQ(json_string("a\"b\\c\n\t\x01"), "\"a\\\"b\\\\c\\n\\t\\u0001\"");
  EXPECT_EQ(json_string("gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xB8"),
            "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x90\xB8\"");
}

TEST(JsonString, IsValidJsonForAnyBytes) {
  core::Rng rng(1, core::Purpose::kTest, 0);
  for (int i = 0; i < 3000; ++i) {
    std::string text(rng.below(12), '\0');
    for (char& c : text) c = static_cast<char>(rng.below(256));
    EXPECT_TRUE(nlohmann::json::accept(json_string(text)));
  }
  EXPECT_EQ(json_string("\xff"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(nlohmann::json::parse(json_string(std::string("a\0b", 3)))
                .get<std::string>()
                .size(),
            3U);
}

TEST(JsonNumber, IsShortAndExactOrNull) {
  EXPECT_EQ(json_number(0.1), "0.1");
  EXPECT_EQ(json_number(3), "3");
  EXPECT_EQ(json_number(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(json_number(-std::numeric_limits<double>::infinity()), "null");
}

TEST(Printable, LeavesNothingThatSteersATerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\r\n\tc"), "a\xEF\xBF\xBD[31mb\xEF\xBF\xBD\n\tc");
  EXPECT_EQ(printable("\xC2\x9B"), "\xEF\xBF\xBD");
}

}  // namespace
}  // namespace srpo::analysis
