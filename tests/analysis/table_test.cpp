#include "analysis/table.h"

#include <limits>

#include <nlohmann/json.hpp>

#include "support/expect_error.h"

namespace srpo::analysis {
namespace {

Table sample() {
  Table table("things", {"name", "count", "share"});
  table.add_row({std::string("gr\xC3\xBCn, \"x\""), uint64_t{7}, 0.25});
  table.add_row({std::string("b"), uint64_t{123456}, Cell()});
  table.add_row({Cell(), uint64_t{1}, std::numeric_limits<double>::infinity()});
  return table;
}

TEST(Table, AlignsTextLeftAndNumbersRight) {
  EXPECT_EQ(sample().to_text(),
            "name        count   share\n"
            "gr\xC3\xBCn, \"x\"       7  0.2500\n"
            "b          123456       -\n"
            "-               1     inf\n");
}

TEST(Table, IsValidJson) {
  const auto json = nlohmann::json::parse(sample().to_json());
  EXPECT_EQ(json[0]["name"], "gr\xC3\xBCn, \"x\"");
  EXPECT_EQ(json[1]["count"], 123456);
  EXPECT_TRUE(json[1]["share"].is_null());
  EXPECT_TRUE(json[2]["share"].is_null());
  EXPECT_EQ(nlohmann::json::parse(Table("none", {"a"}).to_json()).size(), 0U);
}

TEST(Table, QuotesCsvWhereItMust) {
  EXPECT_EQ(sample().to_csv(),
            "name,count,share\n\"gr\xC3\xBCn, \"\"x\"\"\",7,0.25\nb,123456,\n,1,\n");
}

TEST(WriteTables, JoinsSeveral) {
  const auto json = nlohmann::json::parse(
      write_tables({sample(), Table("none", {"a"})}, OutputFormat::kJson));
  EXPECT_EQ(json["things"].size(), 3U);
  EXPECT_EQ(json["none"].size(), 0U);
  EXPECT_EQ(nlohmann::json::parse(write_tables({}, OutputFormat::kJson)),
            nlohmann::json::object());
  EXPECT_EQ(write_tables({Table("none", {"a", "b"})}, OutputFormat::kTable),
            "none\na  b\n");
}

TEST(OutputFormat, NamesTheKnownOnes) {
  test::expect_error(core::ErrorKind::kBadInput,
                     "format 'xml' (expected table, json or csv)",
                     [] { parse_output_format("xml"); });
}

}  // namespace
}  // namespace srpo::analysis
