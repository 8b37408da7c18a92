#include "rl/reset.h"

#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::rl {
namespace {

records::Trajectory four_thoughts() {
  records::Trajectory chain;
  chain.id = {2, 5, records::DrawKind::kFresh, 1};
  chain.thought_ends = {10, 25, 31, 60};
  for (int i = 0; i < 60; ++i) {
    chain.tokens.push_back(100 + i);
    chain.logprobs.push_back(-0.01F * static_cast<float>(i));
  }
  return chain;
}

TEST(PrefixLength, ReproducesTheConformanceVectors) {
  const std::vector<uint32_t> ends = {10, 25, 31, 60};
  EXPECT_EQ(prefix_length(ends, 1), 0U);
  EXPECT_EQ(prefix_length(ends, 2), 10U);
  EXPECT_EQ(prefix_length(ends, 3), 25U);
  EXPECT_EQ(prefix_length(ends, 4), 31U);
  EXPECT_THROW(prefix_length(ends, 0), core::Error);
  EXPECT_THROW(prefix_length(ends, 5), core::Error);
}

TEST(SuffixRequest, KeepsEverythingBeforeTheThought) {
  const records::Trajectory chain = four_thoughts();
  const auto request = suffix_request(chain, {1, 2, 3}, 3);
  EXPECT_EQ(request.prompt_tokens, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(request.prefix_tokens,
            std::vector<int32_t>(chain.tokens.begin(), chain.tokens.begin() + 25));
  EXPECT_EQ(request.prefix_logprobs,
            std::vector<float>(chain.logprobs.begin(), chain.logprobs.begin() + 25));
  EXPECT_EQ(request.prefix_thought_ends, (std::vector<uint32_t>{10, 25}));
  EXPECT_EQ(request.parent, chain.id);
}

TEST(SuffixRequest, KeepsNothingBeforeTheFirstThought) {
  const auto request = suffix_request(four_thoughts(), {1}, 1);
  EXPECT_TRUE(request.prefix_tokens.empty());
  EXPECT_TRUE(request.prefix_logprobs.empty());
  EXPECT_TRUE(request.prefix_thought_ends.empty());
}

TEST(SuffixRequest, RefusesAChainWithoutItsLogProbabilities) {
  records::Trajectory chain = four_thoughts();
  chain.logprobs.pop_back();
  EXPECT_THROW(suffix_request(chain, {1}, 2), core::Error);
}

}  // namespace
}  // namespace srpo::rl
