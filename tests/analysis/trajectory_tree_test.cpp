#include "analysis/trajectory_tree.h"

#include <sstream>

#include <gtest/gtest.h>

#include "support/random_trees.h"

namespace srpo::analysis {
namespace {

using records::RolloutTree;

RolloutTree tree_with_reset() {
  for (uint32_t slot = 0;; ++slot) {
    RolloutTree tree = test::RandomTrees(2).training(0, slot);
    if (tree.localization && tree.localization->thought > 1) return tree;
  }
}

std::string page_of(const RolloutTree& tree, const TreeStyle& style = {}) {
  std::ostringstream page;
  print_tree(page, tree, style);
  return page.str();
}

TEST(PrintTree, ShowsEverythingOfATreeInItsOrder) {
  const RolloutTree tree = tree_with_reset();
  const std::string page = page_of(tree);
  size_t at = 0;
  const std::string chosen = std::to_string(tree.localization->thought);
  for (const std::string& part :
       {tree.problem.question, "reference: " + tree.problem.reference,
        std::string("base 1  reward "), std::string("advantage "),
        std::string("base 4  reward "), std::string("failed chain  reward 0.00"),
        "  ->   " + chosen + ". Thought " + chosen, "thought " + chosen + " of ",
        std::string("| The first wrong step."), std::string("ending 1  reward "),
        std::string("ending 4  reward ")}) {
    const size_t found = page.find(part, at);
    ASSERT_NE(found, std::string::npos) << "missing '" << part << "' in\n" << page;
    at = found;
  }
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
}

TEST(PrintTree, ColoursOnlyWhenAsked) {
  EXPECT_NE(page_of(tree_with_reset(), {true, 100, 12}).find("\x1b[32m"),
            std::string::npos);
}

TEST(PrintTree, ShowsTheTextWhereItsMarksDoNotMatchTheThoughts) {
  RolloutTree tree = tree_with_reset();
  tree.fresh[0].text = "one thought that was cut at its limit and goes on";
  tree.fresh[0].thought_ends = {5, static_cast<uint32_t>(tree.fresh[0].tokens.size())};
  EXPECT_NE(page_of(tree).find("      one thought that was cut"), std::string::npos);
}

TEST(PrintTree, StandsTreesWithNothingInThemAndTextsThatSteerTerminals) {
  EXPECT_NE(page_of(RolloutTree()).find("step 0, slot 0"), std::string::npos);
  RolloutTree tree = tree_with_reset();
  tree.problem.question = "\x1b[2J" + std::string(5000, 'x') + "\xff";
  const std::string page = page_of(tree);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_NE(page.find("more lines"), std::string::npos);
}

TEST(ThoughtsOf, CutsBehindEachMark) {
  EXPECT_EQ(thoughts_of("a</thought>\nb </thought> c"),
            (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(thoughts_of("a</thought>\n"), std::vector<std::string>{"a"});
  EXPECT_TRUE(thoughts_of("").empty());
}

}  // namespace
}  // namespace srpo::analysis
