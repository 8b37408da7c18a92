#include "math_corpus.h"

#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "verify/math_equivalence.h"

namespace srpo::verify {
namespace {

/// Writes the pairs where another program can read them.
void export_corpus(const std::vector<MathPair>& pairs) {
  const char* path = std::getenv("SRPO_MATH_CORPUS");
  if (path == nullptr) return;
  std::ofstream file(path);
  for (const MathPair& pair : pairs) {
    nlohmann::json line = {{"reference", pair.reference},
                           {"answer", pair.answer},
                           {"same", pair.same},
                           {"rule", pair.rule}};
    file << line.dump() << "\n";
  }
}

TEST(MathCorpus, AcceptsEveryRewriteAndRefusesEveryChange) {
  const auto folder = problems_folder();
  if (!std::filesystem::exists(folder / "olympiadbench.jsonl")) {
    GTEST_SKIP() << "no problem sets in " << folder << " (set SRPO_DATA)";
  }
  const std::vector<MathPair> pairs = make_math_corpus(folder);
  export_corpus(pairs);
  ASSERT_GE(pairs.size(), 5000U);
  std::map<std::string, int> refused;
  int num_false_correct = 0;
  int num_false_wrong = 0;
  for (const MathPair& pair : pairs) {
    const MathJudgement judged = compare_answers(pair.reference, pair.answer, {});
    if (judged.same == pair.same) continue;
    ++(pair.same ? num_false_wrong : num_false_correct);
    if (++refused[pair.rule] > 3) continue;
    ADD_FAILURE() << (pair.same ? "refused " : "ACCEPTED ") << pair.answer << "\n  for "
                  << pair.reference << " (" << pair.rule << "): " << judged.reason
                  << "\n  " << judged.reference_form << "\n  " << judged.answer_form;
  }
  EXPECT_EQ(num_false_correct, 0);
  EXPECT_EQ(num_false_wrong, 0);
  RecordProperty("pairs", static_cast<int>(pairs.size()));
}

TEST(MathCorpus, TellsTheReferencesOfDifferentProblemsApart) {
  const auto folder = problems_folder();
  if (!std::filesystem::exists(folder / "olympiadbench.jsonl")) {
    GTEST_SKIP() << "no problem sets in " << folder << " (set SRPO_DATA)";
  }
  std::set<std::string> all;
  for (const MathPair& pair : make_math_corpus(folder)) all.insert(pair.reference);
  std::vector<std::string> some;
  size_t number = 0;
  for (const std::string& reference : all) {
    if (number++ % 4 == 0) some.push_back(reference);
  }
  // Written differently, and the same: these were looked at one by one.
  const std::set<std::set<std::string>> same = {{"$45^{\\circ}$", "45"},
                                                {"$44^{\\circ}$", "44"},
                                                {"$4^{\\circ}$", "4"},
                                                {"$8 \\%$", "8"},
                                                {"$\\frac{1}{2}$", "0.5"},
                                                {"$\\frac{1}{10}$", "0.10"},
                                                {"$\\frac{25}{2}$", "12.5"},
                                                {"$\\frac{8}{5}$", "1.6"},
                                                {"$-\\frac{3}{2}$", "-3./2"},
                                                {"$1/3$", "$\\frac{1}{3}$"},
                                                {"$2 n$", "$2n$"},
                                                {"$f(n)=n$", "$f(z)=z$"},
                                                {"$f(x)=1$", "1"},
                                                {"$k=1$", "1"},
                                                {"$k=3$", "3"},
                                                {"+2", "2"},
                                                {"2,3,4", "2,4,3"},
                                                {"17000", "1.70e4"},
                                                {"56", "56.0"}};
  const auto bare = [](const std::string& text) {
    std::string plain;
    for (const char c : text) {
      if (c != '$' && c != ' ') plain += c;
    }
    return plain;
  };
  for (const std::string& a : some) {
    for (const std::string& b : some) {
      const MathJudgement judged = compare_answers(a, b, {});
      const bool expected = bare(a) == bare(b) || same.count({a, b}) > 0;
      EXPECT_EQ(judged.same, expected) << a << " and " << b << ": " << judged.reason;
    }
  }
}

}  // namespace
}  // namespace srpo::verify
