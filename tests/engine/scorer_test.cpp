#include "engine/scorer.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "tiny_model.h"

namespace srpo::engine {
namespace {

TEST(Scorer, GivesTheLogProbabilitiesOfTransformers) {
  CpuDecoder decoder = tiny_decoder();
  const auto expected = golden();
  const auto ids = expected["ids"].get<std::vector<int32_t>>();
  const auto scores = score_tokens(decoder, ids);
  ASSERT_EQ(scores.size(), ids.size() - 1);
  for (size_t i = 0; i < scores.size(); ++i) {
    EXPECT_NEAR(scores[i], expected["logprobs"][i + 1].get<double>(), 2e-5)
        << "token " << i + 1;
  }
}

TEST(Scorer, RefusesTokensOutsideTheVocabularyAndTextsThatAreTooLong) {
  CpuDecoder decoder = tiny_decoder();
  EXPECT_THROW(score_tokens(decoder, std::vector<int32_t>{1, 97}), core::Error);
  EXPECT_THROW(score_tokens(decoder, std::vector<int32_t>(129, 1)), core::Error);
  EXPECT_TRUE(score_tokens(decoder, std::vector<int32_t>{1}).empty());
}

TEST(Scorer, ScoresRepliesAsTheTextsThatTheyMake) {
  CpuDecoder decoder = tiny_decoder();
  const std::vector<int32_t> prompt = {5, 9, 2, 44, 3};
  const std::vector<std::vector<int32_t>> replies = {{7}, {7, 8, 9}, {1, 2}, {7, 8, 10}};
  const auto scores = score_replies(decoder, prompt, replies);
  ASSERT_EQ(scores.size(), replies.size());
  for (size_t i = 0; i < replies.size(); ++i) {
    std::vector<int32_t> text = prompt;
    text.insert(text.end(), replies[i].begin(), replies[i].end());
    const auto whole = score_tokens(decoder, text);
    double expected = 0;
    for (size_t t = prompt.size() - 1; t < whole.size(); ++t) expected += whole[t];
    EXPECT_NEAR(scores[i], expected, 1e-6) << i;
  }
  EXPECT_THROW(score_replies(decoder, {}, replies), core::Error);
  EXPECT_THROW(score_replies(decoder, prompt, std::vector<std::vector<int32_t>>{{}}),
               core::Error);
  EXPECT_THROW(score_replies(decoder, prompt, std::vector<std::vector<int32_t>>{{97}}),
               core::Error);
}

}  // namespace
}  // namespace srpo::engine
