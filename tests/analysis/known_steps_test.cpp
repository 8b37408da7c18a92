#include "analysis/known_steps.h"

#include <fstream>

#include "analysis/hand_made_trees.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

std::optional<uint32_t> first_wrong(const std::string& question, const std::string& text,
                                    uint32_t thoughts) {
  records::RolloutTree tree = test::reset_tree(0, 0);
  tree.problem.question = question;
  records::Trajectory& seed = tree.fresh.back();
  seed.text = text;
  seed.thought_ends.assign(thoughts, 1);
  return recompute_first_wrong(tree);
}

TEST(RecomputedSteps, FindTheFirstThoughtThatIsWrong) {
  const std::string question = "12 +7 -5 *3";
  EXPECT_EQ(
      first_wrong(question, "12+7=18</thought>18-5=13</thought>13*3=39</thought>", 3),
      1U);
  EXPECT_EQ(
      first_wrong(question, "12+7=19</thought>19-5=13</thought>13*3=39</thought>", 3),
      2U);
  // Another operand, right in itself.
  EXPECT_EQ(
      first_wrong(question, "12+7=19</thought>19-4=15</thought>15*3=45</thought>", 3),
      2U);
  // Another operator.
  EXPECT_EQ(
      first_wrong(question, "12+7=19</thought>19+5=24</thought>24*3=72</thought>", 3),
      2U);
  // Not on the running value.
  EXPECT_EQ(first_wrong(question, "12+7=19</thought>18-5=13</thought>", 2), 2U);
  // A jump to another answer, and one to the right answer.
  EXPECT_EQ(first_wrong(question, "12+7=19</thought>=40 \\boxed{40}</thought>", 2), 2U);
  EXPECT_EQ(first_wrong(question, "12+7=19</thought>=42 \\boxed{42}</thought>", 2),
            std::nullopt);
  // More thoughts than operations.
  EXPECT_EQ(first_wrong(question,
                        "12+7=19</thought>19-5=14</thought>14*3=42</thought>42+1=43", 4),
            4U);
  EXPECT_EQ(first_wrong(question, "Hmm</thought>", 1), 1U);
}

TEST(RecomputedSteps, SayNothingOfOtherProblemsAndOfTextsThatDoNotFit) {
  EXPECT_EQ(first_wrong("What is 3 + 4?", "3+4=8</thought>", 1), std::nullopt);
  EXPECT_EQ(first_wrong("", "3+4=8</thought>", 1), std::nullopt);
  EXPECT_EQ(first_wrong("99999999999999999999 +1", "1</thought>", 1), std::nullopt);
  EXPECT_EQ(first_wrong("12 +7", "12+7=18</thought>", 2), std::nullopt);
}

TEST(KnownSteps, OfAFileComeBeforeRecomputedOnes) {
  const test::ScratchFolder folder;
  std::ofstream(folder / "known.jsonl")
      << "{\"step\":0,\"slot\":0,\"thought\":4,\"by\":\"hand\"}\n\n"
      << "{\"step\":0,\"slot\":9,\"thought\":0}\n";
  const KnownSteps known = KnownSteps::read(folder / "known.jsonl");
  EXPECT_EQ(known.num_from_file(), 1U);
  EXPECT_EQ(known.first_wrong(test::reset_tree(0, 0)), 4U);
  EXPECT_EQ(known.first_wrong(test::reset_tree(0, 1)), 2U);
  EXPECT_EQ(KnownSteps().first_wrong(test::reset_tree(0, 0)), 2U);
}

TEST(KnownSteps, RefuseABadLineByItsNumber) {
  const test::ScratchFolder folder;
  for (const char* line :
       {"{", "[1]", "{\"step\":0,\"slot\":0}", "{\"step\":-1,\"slot\":0,\"thought\":1}",
        "{\"step\":0,\"slot\":0,\"thought\":\"2\"}",
        "{\"step\":0,\"slot\":99999999999,\"thought\":2}"}) {
    std::ofstream(folder / "bad.jsonl") << "{\"step\":0,\"slot\":0,\"thought\":4}\n"
                                        << line << "\n";
    test::expect_error(core::ErrorKind::kBadFile, "bad.jsonl:2: no ",
                       [&] { KnownSteps::read(folder / "bad.jsonl"); });
  }
  test::expect_error(core::ErrorKind::kBadFile, "cannot be read",
                     [] { KnownSteps::read("/nowhere/known.jsonl"); });
}

}  // namespace
}  // namespace srpo::analysis
