#include "math_corpus.h"

#include <cstdlib>
#include <fstream>
#include <map>

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

}  // namespace
}  // namespace srpo::verify
