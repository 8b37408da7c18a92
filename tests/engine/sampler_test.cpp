#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/random.h"

namespace srpo::engine {
namespace {

std::vector<float> random_logits(size_t count, uint64_t stream, double spread) {
  core::Rng rng(5, core::Purpose::kTest, stream);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = static_cast<float>(rng.normal() * spread);
  return logits;
}

/// The definition, by sorting everything.
int32_t plain_sample(const std::vector<float>& logits, const records::Sampling& sampling,
                     double draw) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const double best = *std::max_element(logits.begin(), logits.end());
  std::vector<double> weight(logits.size());
  for (size_t i = 0; i < logits.size(); ++i)
    weight[i] = std::exp((logits[i] - best) / sampling.temperature);
  std::stable_sort(ids.begin(), ids.end(),
                   [&](int32_t a, int32_t b) { return logits[a] > logits[b]; });
  if (sampling.top_k > 0)
    ids.resize(std::min<size_t>(ids.size(), static_cast<size_t>(sampling.top_k)));
  double mass = 0;
  for (const int32_t id : ids) mass += weight[id];
  size_t kept = 0;
  for (double before = 0;
       kept < ids.size() && (kept == 0 || before < sampling.top_p * mass); ++kept) {
    before += weight[ids[kept]];
  }
  if (sampling.top_p < 1) ids.resize(kept);
  std::sort(ids.begin(), ids.end());
  mass = 0;
  for (const int32_t id : ids) mass += weight[id];
  double before = 0;
  for (const int32_t id : ids) {
    before += weight[id];
    if (before > draw * mass) return id;
  }
  return ids.back();
}

TEST(Sampler, AgreesWithTheDefinitionForAllSettings) {
  Sampler sampler;
  int different = 0;
  for (const size_t vocab : {7, 270, 5000}) {
    for (uint64_t trial = 0; trial < 200; ++trial) {
      const auto logits =
          random_logits(vocab, vocab * 1000 + trial, trial % 2 == 0 ? 3 : 0.3);
      for (const auto& [temperature, top_p, top_k] :
           std::vector<std::tuple<double, double, int>>{
               {1, 1, 0}, {0.7, 0.95, 0}, {1.5, 0.3, 0}, {1, 1, 5}, {0.7, 0.8, 20}}) {
        records::Sampling sampling{temperature, top_p, top_k, 0};
        const double draw =
            core::uniform(1, core::Purpose::kTest, trial, static_cast<uint32_t>(top_k));
        different += sampler.sample(logits, sampling, draw).token !=
                             plain_sample(logits, sampling, draw)
                         ? 1
                         : 0;
      }
    }
  }
  // Weights in fp32 against fp64: a draw may lie in the gap between the two.
  EXPECT_LE(different, 1);
}

TEST(Sampler, ReportsTheTemperedUntruncatedLogProbability) {
  Sampler sampler;
  const auto logits = random_logits(1000, 1, 2);
  for (const double temperature : {0.0, 0.3, 0.7, 1.0}) {
    const auto drawn = sampler.sample(logits, {temperature, 0.9, 0, 0}, 0.6);
    const double t = temperature == 0 ? 1 : temperature;
    double total = 0;
    for (const float logit : logits) total += std::exp(logit / t);
    EXPECT_NEAR(drawn.logprob,
                logits[static_cast<size_t>(drawn.token)] / t - std::log(total), 3e-6);
  }
}

TEST(Sampler, GreedyTakesTheLowestOfEqualIds) {
  Sampler sampler;
  EXPECT_EQ(sampler.sample(std::vector<float>{1, 5, 2, 5, 5}, {0, 1, 0, 0}, 0.9).token,
            1);
}

TEST(Sampler, KeepsTheLowestIdsOfEqualProbabilities) {
  Sampler sampler;
  const std::vector<float> even(8, 1.0F);
  for (int i = 0; i < 100; ++i) {
    EXPECT_LT(sampler.sample(even, {1, 1, 3, 0}, i / 100.0).token, 3);
    EXPECT_LT(sampler.sample(even, {1, 0.5, 0, 0}, i / 100.0).token, 4);
  }
}

TEST(Sampler, DrawsWithTheRightFrequencies) {
  Sampler sampler;
  const std::vector<float> logits{std::log(0.5F), std::log(0.3F), std::log(0.15F),
                                  std::log(0.05F)};
  std::vector<int> plain(4);
  std::vector<int> truncated(4);
  constexpr int kDraws = 20000;
  for (uint32_t i = 0; i < kDraws; ++i) {
    const double draw = core::uniform(9, core::Purpose::kTest, 1, i);
    ++plain[static_cast<size_t>(sampler.sample(logits, {1, 1, 0, 0}, draw).token)];
    ++truncated[static_cast<size_t>(sampler.sample(logits, {1, 0.9, 0, 0}, draw).token)];
  }
  EXPECT_NEAR(plain[0], 0.5 * kDraws, 400);
  EXPECT_NEAR(plain[3], 0.05 * kDraws, 200);
  EXPECT_NEAR(truncated[2], 0.15 / 0.95 * kDraws, 300);
  EXPECT_EQ(truncated[3], 0);
}

TEST(Sampler, RefusesLogitsThatAreNotFinite) {
  Sampler sampler;
  const std::vector<float> broken(40, std::numeric_limits<float>::quiet_NaN());
  EXPECT_THROW(sampler.sample(broken, {1, 1, 0, 0}, 0.5), core::Error);
  EXPECT_THROW(check_sampling({-1, 1, 0, 0}), core::Error);
  EXPECT_THROW(check_sampling({1, 0, 0, 0}), core::Error);
  EXPECT_THROW(check_sampling({1, 1, -1, 0}), core::Error);
}

}  // namespace
}  // namespace srpo::engine
