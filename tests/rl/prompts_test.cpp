#include "rl/prompts.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::rl {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

/// The pieces stand in the text in this order.
void expect_in_order(const std::string& text, const std::vector<std::string>& pieces) {
  size_t from = 0;
  for (const std::string& piece : pieces) {
    const size_t at = text.find(piece, from);
    ASSERT_NE(at, std::string::npos)
        << "'" << piece << "' is missing behind byte " << from;
    from = at + piece.size();
  }
}

TEST(SolvePrompt, HasThePartsOfTheMethodInOrder) {
  const std::string prompt = solve_prompt(PromptStyle::kMethod, "How many?");
  expect_in_order(
      prompt, {"one reasoning step at a time", "</thought>", "good step", "\n- ", "\n- ",
               "\n- ", "\\boxed{answer}", "</thought>", "\n\nQ: How many?\n"});
  EXPECT_THAT(prompt, EndsWith("\n\nQ: How many?\n"));
}

TEST(SolvePrompt, IsTheBareQuestionForATinyModel) {
  EXPECT_EQ(solve_prompt(PromptStyle::kTerse, "12 +7"), "12 +7\n");
  const std::string examples = "Q: 1+1\n\\boxed{2}</thought>\n\n";
  EXPECT_TRUE(solve_prompt(PromptStyle::kMethod, "2+2", examples)
                  .ends_with(examples + "Q: 2+2\n"));
}

TEST(LocalizationPrompt, HasThePartsOfTheMethodInOrder) {
  const std::string prompt =
      localization_prompt(PromptStyle::kMethod, "How many?",
                          {"<thought> One.</thought>\n", " Two. \\boxed{2}"});
  expect_in_order(
      prompt,
      {"first erroneous step in your previous solution", "Problem:\nHow many?",
       "previous solution", "\nStep 1: <thought> One.\nStep 2: Two. \\boxed{2}\n",
       "final answer of this solution is incorrect", "originating step", "misread",
       "cannot be justified", "Do not solve", "\n- ", "between 1 and 2", "\n- ",
       "stop at the first", "\n- ", "\\boxed{N}", "nothing after it."});
  EXPECT_THAT(prompt, Not(HasSubstr("</thought>")));
}

TEST(LocalizationPrompt, IsShortForATinyModel) {
  EXPECT_EQ(localization_prompt(PromptStyle::kTerse, "12 +7 *2",
                                {"12+7=18</thought>", "18*2=36 \\boxed{36}</thought>"}),
            "?12 +7 *2\n1 12+7=18\n2 18*2=36 \\boxed{36}\n");
  EXPECT_EQ(localization_stop(PromptStyle::kTerse), "}");
  EXPECT_EQ(localization_stop(PromptStyle::kMethod), "");
}

TEST(PromptStyle, IsReadByName) {
  EXPECT_EQ(parse_prompt_style("method"), PromptStyle::kMethod);
  EXPECT_EQ(parse_prompt_style("terse"), PromptStyle::kTerse);
  EXPECT_THROW(parse_prompt_style("long"), core::Error);
}

}  // namespace
}  // namespace srpo::rl
