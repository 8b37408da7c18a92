#include "analysis/continuation_grading.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "analysis/hand_made_trees.h"
#include "analysis/known_steps.h"
#include "support/expect_error.h"
#include "support/scratch_folder.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

std::vector<json> prompts_of(const records::RolloutTree& tree, GradedPlaces places) {
  std::stringstream lines;
  const uint64_t count = write_grading_prompts(lines, tree, places);
  std::vector<json> prompts;
  for (std::string line; std::getline(lines, line);) prompts.push_back(json::parse(line));
  EXPECT_EQ(count, prompts.size());
  return prompts;
}

TEST(GradingPrompts, AreTheStatesBeforeAndBehindTheNamedThought) {
  const auto named = prompts_of(test::reset_tree(1, 2), GradedPlaces::kNamed);
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(named[0]["kept"], 2);
  EXPECT_EQ(named[0]["ids"].size(), 10U + 50);
  EXPECT_EQ(named[0]["prefix"], "10+2=12</thought>12-3=8</thought>");
  EXPECT_EQ(named[1]["kept"], 3);
  EXPECT_EQ(named[1]["ids"].size(), 10U + 75);
  EXPECT_EQ(prompts_of(test::reset_tree(1, 2), GradedPlaces::kAll).size(), 4U);
  // Behind the last thought there is nothing to go on from.
  EXPECT_EQ(
      prompts_of(test::reset_tree(1, 2, {1, 1, 1, 1}, 4), GradedPlaces::kNamed).size(),
      1U);
  EXPECT_TRUE(prompts_of(test::validation_tree(0, 0, true), GradedPlaces::kAll).empty());
}

/// Two continuations of each of four places: 2, 1, 0 and 0 of them right.
void write_files(const test::ScratchFolder& folder) {
  std::ofstream prompts(folder / "prompts.jsonl");
  write_grading_prompts(prompts, test::reset_tree(1, 2), GradedPlaces::kAll);
  std::ofstream(folder / "answers.jsonl")
      << R"({"text":"x \\boxed{37}</thought>then \\boxed{1}"})"
      << "\n"
      << R"({"text":"\\boxed{37}"})"
      << "\n\n"
      << R"({"text":"\\boxed{37}"})"
      << "\n"
      << R"({"text":"\\boxed{3}</thought>\\boxed{37}"})"
      << "\n"
      << R"({"text":"no box"})"
      << "\n"
      << R"({"text":"\\boxed{"})"
      << "\n"
      << R"({"text":""})"
      << "\n"
      << R"({"text":"\\boxed{38}"})"
      << "\n";
}

TEST(ContinuationGrading, FindsTheThoughtBehindWhichSuccessFallsMost) {
  const test::ScratchFolder folder;
  write_files(folder);
  const auto grading =
      ContinuationGrading::read(folder / "prompts.jsonl", folder / "answers.jsonl");
  EXPECT_EQ(grading.draws, 2U);
  const GradedChain& chain = grading.chains.at({1, 2});
  EXPECT_EQ(chain.value(0), 1);
  EXPECT_EQ(chain.value(1), 0.5);
  EXPECT_EQ(chain.value(2), 0);
  EXPECT_EQ(chain.value(4), 0);
  EXPECT_EQ(chain.steepest(), 1U);  // 1 -> 0.5 -> 0: the first of two equal falls
  std::ofstream known(folder / "known.jsonl");
  grading.write_known(known);
  known.close();
  EXPECT_EQ(KnownSteps::read(folder / "known.jsonl").first_wrong(test::reset_tree(1, 2)),
            1U);
  const json tables =
      json::parse(write_tables(grading_tables(grading), OutputFormat::kJson));
  EXPECT_EQ(tables["grading"][0]["value"], 0);  // before the named third thought
  EXPECT_EQ(tables["profile"].size(), 4U);
}

TEST(ContinuationGrading, SaysNothingWhereNothingFallsOrAPlaceIsMissing) {
  GradedChain chain;
  chain.thoughts = 2;
  chain.by_kept[0] = {0, 4};
  chain.by_kept[1] = {0, 4};
  EXPECT_EQ(chain.steepest(), std::nullopt);
  chain.by_kept[1] = {2, 4};  // the second thought loses what the first has won
  EXPECT_EQ(chain.steepest(), 2U);
  chain.by_kept.erase(0);
  EXPECT_EQ(chain.steepest(), std::nullopt);
}

TEST(ContinuationGrading, RefusesFilesThatDoNotFit) {
  const test::ScratchFolder folder;
  write_files(folder);
  const auto read = [&] {
    ContinuationGrading::read(folder / "prompts.jsonl", folder / "answers.jsonl");
  };
  std::ofstream(folder / "answers.jsonl", std::ios::app) << "{\"text\":\"a\"}\n";
  test::expect_error(core::ErrorKind::kBadFile, "9 continuations of 4 prompts", read);
  std::ofstream(folder / "answers.jsonl") << "";
  test::expect_error(core::ErrorKind::kBadFile, "0 continuations", read);
  std::ofstream(folder / "answers.jsonl") << "{}\n{}\n{}\n{}\n";
  test::expect_error(core::ErrorKind::kBadFile, "answers.jsonl:1: no text under 'text'",
                     read);
  std::ofstream(folder / "answers.jsonl") << "x\n";
  test::expect_error(core::ErrorKind::kBadFile, "answers.jsonl:1: no JSON object", read);
}

}  // namespace
}  // namespace srpo::analysis
