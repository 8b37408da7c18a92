#include "analysis/tree_filter.h"

#include <gtest/gtest.h>

#include "analysis/hand_made_trees.h"
#include "core/error.h"
#include "core/random.h"

namespace srpo::analysis {
namespace {

/// How many trajectories of the tree a filter wants.
size_t count(const std::string& expression,
             const records::RolloutTree& tree = test::reset_tree(3, 5)) {
  const TreeFilter filter = TreeFilter::parse(expression);
  size_t wanted = 0;
  for (const auto* chains : {&tree.fresh, &tree.suffixes}) {
    for (const auto& chain : *chains) wanted += filter.wants(tree, chain) ? 1 : 0;
  }
  EXPECT_EQ(filter.wants(tree), wanted > 0) << expression;
  return wanted;
}

std::string refusal(const std::string& expression) {
  try {
    TreeFilter::parse(expression);
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput);
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << expression;
  return "";
}

TEST(TreeFilter, ComparesNumbersNamesAndTexts) {
  EXPECT_EQ(count(""), 10U);
  EXPECT_EQ(count("use == suffix"), 4U);
  EXPECT_EQ(count("use == suffix and reward < 1"), 1U);
  EXPECT_EQ(count("use == \"suffix\" && reward >= 1"), 3U);
  EXPECT_EQ(count("use != base"), 6U);
  EXPECT_EQ(count("step == 3 and slot == 5"), 10U);
  EXPECT_EQ(count("step > 3"), 0U);
  EXPECT_EQ(count("tokens <= 30"), 1U);
  EXPECT_EQ(count("text ~ '12-3=8'"), 1U);
  EXPECT_EQ(count("text !~ '12-3=8'"), 9U);
  EXPECT_EQ(count("problem == 'hand:5'"), 10U);
  EXPECT_EQ(count("reset == yes and localizer == 'self' and parse == boxed"), 10U);
  EXPECT_EQ(count("thought == 3 and of_thoughts == 4 and kept == 0.5"), 10U);
  EXPECT_EQ(count("gain > 0.2 and gain < 0.3"), 10U);
  EXPECT_EQ(count("advantage > 0"), 5U);
  EXPECT_EQ(count("advantage < 0"), 3U);
  EXPECT_EQ(count("verdict == wrong"), 4U);
}

TEST(TreeFilter, AndBindsCloserThanOrAndNotClosest) {
  EXPECT_EQ(count("use == seed or use == base and reward == 1"), 3U);
  EXPECT_EQ(count("(use == seed or use == base) and reward == 1"), 2U);
  EXPECT_EQ(count("not use == seed and reward < 1"), 3U);
  EXPECT_EQ(count("not (use == seed and reward < 1)"), 9U);
  EXPECT_EQ(count("!(use == seed) && !(use == base) || step < 0"), 5U);
}

TEST(TreeFilter, ComparesFalseWhatATreeDoesNotHave) {
  records::RolloutTree tree = test::validation_tree(1, 2, true);
  EXPECT_EQ(count("thought >= 1", tree), 0U);
  EXPECT_EQ(count("gain <= 1", tree), 0U);
  EXPECT_EQ(count("advantage == 0", tree), 0U);
  EXPECT_EQ(count("reset == no and validation == yes", tree), 1U);
}

TEST(TreeFilter, PointsAtWhatIsWrong) {
  EXPECT_EQ(refusal("use == suffix and rewrd < 1"),
            "filter, column 19: no field 'rewrd' (did you mean 'reward'?); srpo_analyze "
            "RUN trajectories --fields lists them\n"
            "  use == suffix and rewrd < 1\n"
            "                    ^~~~~");
  EXPECT_NE(refusal("use == sufix").find("did you mean 'suffix'?"), std::string::npos);
  EXPECT_NE(refusal("reward = 1").find("a single '=' (expected '==')"),
            std::string::npos);
  EXPECT_NE(refusal("reward < high").find("'reward' is a number"), std::string::npos);
  EXPECT_NE(refusal("text == 5").find("(expected one in quotes)"), std::string::npos);
  EXPECT_NE(refusal("text < 'a'").find("cannot be compared by '<'"), std::string::npos);
  EXPECT_NE(refusal("(reward < 1").find("column 1: this parenthesis is not closed"),
            std::string::npos);
  EXPECT_NE(refusal("reward < 1 step > 2").find("column 12"), std::string::npos);
  EXPECT_NE(refusal("text ~ 'abc").find("no closing quote"), std::string::npos);
  EXPECT_NE(refusal("reward <").find("a value is missing"), std::string::npos);
  EXPECT_NE(refusal("reward < 1 and").find("a condition is missing"), std::string::npos);
  EXPECT_NE(refusal("reward < 1x").find("this is no number"), std::string::npos);
  EXPECT_NE(refusal("reward ; 1").find("column 8"), std::string::npos);
  EXPECT_NE(refusal("5 < reward").find("expected the name of a field"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(101, '(') + "reward < 1").find("nested more than 100"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(20000, ' ')).find("20000 bytes"), std::string::npos);
}

TEST(TreeFilter, CountsColumnsInCharactersAndShowsNoControlCharacter) {
  const std::string said = refusal("text ~ '\xC3\xA4\xC3\xB6' and \x1b[31m");
  EXPECT_NE(said.find("column 17"), std::string::npos) << said;
  EXPECT_EQ(said.find('\x1b'), std::string::npos);
}

TEST(TreeFilter, TakesQuotesAndBackslashesInTexts) {
  records::RolloutTree tree = test::reset_tree(0, 0);
  tree.fresh[0].text = "say \"x\" \\boxed{1}";
  EXPECT_EQ(count("text ~ \"say \\\"x\\\"\"", tree), 1U);
  EXPECT_EQ(count("text ~ '\\boxed{1}' and text ~ 'say'", tree), 1U);
}

TEST(TreeFilter, NeverCrashesOnAnyText) {
  const records::RolloutTree tree = test::reset_tree(0, 0);
  const std::vector<std::string> pieces = {
      "reward", "use", "text",   " ",    "==", "<",   "~",      "'a'",
      "\"",     "1",   "-2.5e3", "(",    ")",  "and", "or",     "not",
      "!",      "&&",  "||",     "\xff", "\\", "=",   "suffix", "\n"};
  core::Rng rng(1, core::Purpose::kTest, 77);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (uint64_t n = rng.below(9); n > 0; --n) text += pieces[rng.below(pieces.size())];
    try {
      TreeFilter::parse(text).wants(tree);
    } catch (const core::Error& error) {
      EXPECT_NE(std::string(error.what()).find("filter, column "), std::string::npos);
    }
  }
}

TEST(FilterFields, AreEachUsableAsListed) {
  const records::RolloutTree tree = test::reset_tree(0, 0);
  for (const FilterField& field : filter_fields()) {
    const std::string value =
        field.type == "number" ? ">= 0"
        : field.type == "text"
            ? "~ 'a'"
            : "== " + field.type.substr(0, field.type.find_first_of(", "));
    EXPECT_NO_THROW(TreeFilter::parse(field.name + " " + value).wants(tree))
        << field.name << " " << value;
  }
}

}  // namespace
}  // namespace srpo::analysis
