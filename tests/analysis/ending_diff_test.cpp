#include "analysis/ending_diff.h"

#include <sstream>

#include "analysis/hand_made_trees.h"
#include "core/random.h"
#include "support/expect_error.h"

namespace srpo::analysis {
namespace {

using Kind = DiffPart::Kind;

std::string text_of(const std::vector<DiffPart>& parts, Kind left_out) {
  std::string text;
  for (const DiffPart& part : parts) {
    if (part.kind != left_out) text += part.text;
  }
  return text;
}

TEST(DiffWords, IsAShortestEdit) {
  EXPECT_EQ(diff_words("a b c d", "a x c d e"),
            (std::vector<DiffPart>{{Kind::kBoth, "a "},
                                   {Kind::kFirst, "b "},
                                   {Kind::kSecond, "x "},
                                   {Kind::kBoth, "c "},
                                   {Kind::kFirst, "d"},
                                   {Kind::kSecond, "d e"}}));
  EXPECT_EQ(diff_words("", ""), std::vector<DiffPart>{});
  EXPECT_EQ(diff_words("a", ""), (std::vector<DiffPart>{{Kind::kFirst, "a"}}));
  EXPECT_EQ(diff_words("", "b"), (std::vector<DiffPart>{{Kind::kSecond, "b"}}));
  EXPECT_EQ(
      diff_words("1+1=2</thought>2+2=4</thought>", "1+1=2</thought>2+2=5</thought>"),
      (std::vector<DiffPart>{{Kind::kBoth, "1+1=2</thought>"},
                             {Kind::kFirst, "2+2=4"},
                             {Kind::kSecond, "2+2=5"},
                             {Kind::kBoth, "</thought>"}}));
}

/// Longest common subsequence by the book.
size_t common_words(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<std::vector<size_t>> best(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      best[i][j] = a[i - 1] == b[j - 1] ? best[i - 1][j - 1] + 1
                                        : std::max(best[i - 1][j], best[i][j - 1]);
    }
  }
  return best.back().back();
}

TEST(DiffWords, GivesBothTextsBackAndSharesAsMuchAsCanBe) {
  core::Rng rng(1, core::Purpose::kTest, 5);
  for (int round = 0; round < 300; ++round) {
    std::vector<int> a(rng.below(30));
    std::vector<int> b(rng.below(30));
    std::string first;
    std::string second;
    for (int& word : a)
      first += std::to_string(word = static_cast<int>(rng.below(5))) + " ";
    for (int& word : b)
      second += std::to_string(word = static_cast<int>(rng.below(5))) + " ";
    const auto parts = diff_words(first, second);
    EXPECT_EQ(text_of(parts, Kind::kSecond), first);
    EXPECT_EQ(text_of(parts, Kind::kFirst), second);
    size_t shared = 0;
    for (const DiffPart& part : parts) {
      if (part.kind == Kind::kBoth) shared += part.text.size() / 2;
    }
    EXPECT_EQ(shared, common_words(a, b)) << first << "| " << second;
  }
}

TEST(DiffWords, GivesUpOnTextsThatShareLittleAndStaysRight) {
  std::string first = "begin ";
  std::string second = "begin ";
  for (int i = 0; i < 5000; ++i) {
    first += "a" + std::to_string(i) + " ";
    second += "b" + std::to_string(i) + " ";
  }
  const auto parts = diff_words(first + "end", second + "end");
  EXPECT_EQ(parts.size(), 4U);
  EXPECT_EQ(text_of(parts, Kind::kSecond), first + "end");
}

TEST(ChainNamed, FindsByUseAndByLaunch) {
  const records::RolloutTree tree = test::reset_tree(0, 0);
  EXPECT_EQ(&chain_named(tree, "suffix/2"), &tree.suffixes[2]);
  EXPECT_EQ(&chain_named(tree, "fresh/5"), &tree.fresh[5]);
  EXPECT_EQ(&chain_named(tree, "seed"), &tree.fresh[5]);
  EXPECT_EQ(&chain_named(tree, "base/3"), &tree.fresh[3]);
  EXPECT_EQ(&chain_named(tree, "surplus/0"), &tree.fresh[4]);
  for (const char* name :
       {"suffix/4", "suffix/x", "suffix/1x", "dance", "", "/", "base/4"})
    test::expect_error(core::ErrorKind::kBadInput, "has no trajectory",
                       [&] { chain_named(tree, name); });
}

TEST(PrintDiff, MarksWithoutColourWhatColoursWouldShow) {
  records::RolloutTree tree = test::reset_tree(2, 7);
  tree.suffixes[0].text = "kept</thought>so 8*4=32 \\boxed{33}";
  tree.suffixes[1].text = "kept</thought>so 9*4=36 \\boxed{37}\x1b";
  std::ostringstream out;
  print_diff(out, tree, "suffix/0", "suffix/1", {});
  EXPECT_NE(out.str().find("kept</thought>so [-8*4=32 \\boxed{33}-]{+9*4=36 \\boxed{37}"),
            std::string::npos)
      << out.str();
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
  TreeStyle style;
  style.colour = true;
  std::ostringstream coloured;
  print_diff(coloured, tree, "suffix/0", "suffix/1", style);
  EXPECT_NE(coloured.str().find("\x1b[31m[-8*4=32"), std::string::npos);
}

}  // namespace
}  // namespace srpo::analysis
