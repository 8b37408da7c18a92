// Math-Verify's own public tests; see tests/golden/math_verify/README.md.
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "verify/math_equivalence.h"
#include "verify/math_extraction.h"

namespace srpo::verify {
namespace {

std::string answer_of(const std::string& text) {
  const auto found = find_answer(text, /*last_expression=*/true);
  return found ? found->text : "";
}

TEST(MathVerifyPairs, AgreesOrDiffersAsJudged) {
  std::ifstream file(std::string(SRPO_SOURCE_DIR) +
                     "/tests/golden/math_verify/pairs.jsonl");
  int num_pairs = 0;
  int num_judged = 0;
  for (std::string line; std::getline(file, line); ++num_pairs) {
    const auto pair = nlohmann::json::parse(line);
    MathOptions options;
    options.decimal_places = pair.value("decimal_places", options.decimal_places);
    options.decimal_comma = pair.value("decimal_comma", false);
    const bool differs = pair.contains("judged");
    num_judged += differs ? 1 : 0;
    const std::string reference = answer_of(pair.at("gold"));
    const std::string answer = answer_of(pair.at("pred"));
    const MathJudgement judged = compare_answers(reference, answer, options);
    EXPECT_EQ(judged.same, pair.at("expected").get<bool>() != differs)
        << answer << " for " << reference << " (" << pair.at("test")
        << "): " << judged.reason << "\n  " << judged.reference_form << "\n  "
        << judged.answer_form;
  }
  EXPECT_EQ(num_pairs, 275);
  EXPECT_EQ(num_judged, 6);
}

}  // namespace
}  // namespace srpo::verify
