#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <functional>
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

/// The changed and cut distribution, by the definition.
std::vector<double> plain_distribution(std::vector<float> logits,
                                       const records::Sampling& sampling,
                                       const SeenTokens& seen) {
  for (const auto& [token, bias] : sampling.logit_bias)
    logits[static_cast<size_t>(token)] += bias;
  const size_t size = logits.size();
  for (size_t id = 0; id < size; ++id) {
    const auto token = static_cast<int32_t>(id);
    const auto said = std::count(seen.response.begin(), seen.response.end(), token);
    const auto read = std::count(seen.prompt.begin(), seen.prompt.end(), token);
    const double penalty = sampling.repetition_penalty;
    double logit = logits[id];
    if (said + read > 0) logit = logit > 0 ? logit / penalty : logit * penalty;
    if (said > 0) logit -= sampling.presence_penalty;
    logit -= sampling.frequency_penalty * static_cast<double>(said);
    logits[id] = static_cast<float>(logit);
  }
  std::vector<double> p(size);
  const double best = *std::max_element(logits.begin(), logits.end());
  for (size_t id = 0; id < size; ++id)
    p[id] = std::exp((logits[id] - best) / sampling.temperature);
  for (double& each : p) each = each < sampling.min_p ? 0 : each;
  std::vector<size_t> order(size);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t x, size_t y) { return p[x] > p[y]; });
  for (size_t i = 0; i < size; ++i) {
    if (sampling.top_k > 0 && i >= static_cast<size_t>(sampling.top_k)) p[order[i]] = 0;
  }
  const double mass = std::accumulate(p.begin(), p.end(), 0.0);
  double before = 0;
  for (const size_t id : order) {
    if (sampling.top_p < 1 && before >= sampling.top_p * mass) p[id] = 0;
    before += p[id];
  }
  const double kept = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& each : p) each /= kept;
  return p;
}

TEST(Sampler, PenaltiesBiasAndMinPChangeTheDistributionAsDefined) {
  Sampler sampler;
  const std::vector<int32_t> prompt{1, 2, 3, 3};
  const std::vector<int32_t> response{3, 4, 4, 4};
  const SeenTokens seen{prompt, response};
  std::vector<records::Sampling> settings(7, {0.8, 1, 0, 0});
  settings[0].min_p = 0.2;
  settings[1].repetition_penalty = 1.7;
  settings[2].presence_penalty = 0.9;
  settings[3].frequency_penalty = 0.4;
  settings[4].logit_bias = {{4, 2.5F}, {0, -3}};
  settings[5] = {0.8, 0.9, 6, 0, 0.05, 1.3, 0.5, 0.2, {{7, 1.5F}}};
  settings[6] = {1.3, 0.7, 0, 0, 0.1, 0.6, -0.5, -0.2, {{2, -2}}};
  for (const size_t vocab : {12, 600}) {
    for (const records::Sampling& sampling : settings) {
      const auto logits = random_logits(vocab, vocab, 2);
      const auto expected = plain_distribution(logits, sampling, seen);
      double before = 0;
      for (size_t id = 0; id < vocab; ++id) {
        if (expected[id] > 1e-4) {
          const auto drawn =
              sampler.sample(logits, sampling, before + expected[id] / 2, seen);
          ASSERT_EQ(drawn.token, static_cast<int32_t>(id));
          EXPECT_NEAR(drawn.truncated_logprob, std::log(expected[id]), 1e-5);
          double total = 0;
          for (const float logit : logits)
            total += std::exp(logit / sampling.temperature);
          EXPECT_NEAR(drawn.logprob, logits[id] / sampling.temperature - std::log(total),
                      1e-5)
              << "the untruncated one is the model's own";
        }
        before += expected[id];
      }
    }
  }
}

TEST(Sampler, GreedyHeedsPenaltiesAndIsCertain) {
  Sampler sampler;
  records::Sampling greedy{0, 1, 0, 0};
  greedy.frequency_penalty = 1;
  const std::vector<float> logits{1, 5, 4.5F};
  const std::vector<int32_t> said{1};
  EXPECT_EQ(sampler.sample(logits, greedy, 0.5).token, 1);
  const auto drawn = sampler.sample(logits, greedy, 0.5, {{}, said});
  EXPECT_EQ(drawn.token, 2);
  EXPECT_EQ(drawn.truncated_logprob, 0);
}

TEST(Sampler, RefusesLogitsThatAreNotFinite) {
  Sampler sampler;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> broken(40, kNan);
  EXPECT_THROW(sampler.sample(broken, {1, 1, 0, 0}, 0.5), core::Error);
  for (const size_t place : {0, 3, 39}) {
    std::vector<float> spoilt(40, 1.0F);
    spoilt[place] = kNan;
    EXPECT_THROW(sampler.sample(spoilt, {1, 1, 0, 0}, 0.5), core::Error) << place;
  }
}

TEST(Sampler, RefusesImpossibleSettingsByASentence) {
  const auto refusal = [](const std::function<void(records::Sampling&)>& spoil) {
    records::Sampling sampling;
    spoil(sampling);
    try {
      check_sampling(sampling, 50);
    } catch (const core::Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto names = [](const std::string& text, const char* name) {
    return text.find(name) != std::string::npos &&
           text.find("expected") != std::string::npos;
  };
  for (const double bad : {-1.0, nan}) {
    EXPECT_TRUE(names(refusal([&](auto& s) { s.temperature = bad; }), "temperature"));
    EXPECT_TRUE(names(refusal([&](auto& s) { s.top_p = bad; }), "top_p"));
    EXPECT_TRUE(names(refusal([&](auto& s) { s.min_p = bad; }), "min_p"));
    EXPECT_TRUE(
        names(refusal([&](auto& s) { s.repetition_penalty = bad; }), "repetition"));
  }
  EXPECT_TRUE(names(refusal([&](auto& s) { s.top_p = 0; }), "top_p"));
  EXPECT_TRUE(names(refusal([&](auto& s) { s.top_k = -1; }), "top_k"));
  EXPECT_TRUE(names(refusal([&](auto& s) { s.min_p = 1.5; }), "min_p"));
  EXPECT_TRUE(names(refusal([&](auto& s) { s.presence_penalty = nan; }), "presence"));
  EXPECT_TRUE(names(refusal([&](auto& s) { s.frequency_penalty = nan; }), "frequency"));
  EXPECT_TRUE(names(refusal([&](auto& s) { s.logit_bias = {{50, 1}}; }), "token 50"));
  EXPECT_TRUE(names(refusal([&](auto& s) { s.logit_bias = {{3, INFINITY}}; }), "bias"));
  EXPECT_NE(refusal([&](auto& s) { s.logit_bias = {{3, 1}, {3, 2}}; }), "");
  EXPECT_EQ(refusal([](auto&) {}), "");
}

}  // namespace
}  // namespace srpo::engine
