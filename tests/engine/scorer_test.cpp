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

}  // namespace
}  // namespace srpo::engine
