// The decoder against transformers, for every family.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <numeric>

#include <gtest/gtest.h>

#include "engine/cpu_decoder.h"
#include "engine/scorer.h"
#include "support/golden_families.h"

namespace srpo::engine {
namespace {

using golden::Family;
using Logits = std::vector<float>;

/// Logits of every token of `tokens`, fed in pieces of `piece` tokens.
Logits feed(CpuDecoder& decoder, KvCache& cache, CachedSequence& sequence,
            std::span<const int32_t> tokens, int64_t piece) {
  Logits all;
  const auto count = static_cast<int64_t>(tokens.size());
  for (int64_t first = 0; first < count; first += piece) {
    const int64_t some = std::min(piece, count - first);
    EXPECT_TRUE(cache.reserve(sequence, first + some));
    const DecoderItem item{
        tokens.subspan(static_cast<size_t>(first), static_cast<size_t>(some)), first,
        sequence.blocks, LogitRows::kAll};
    const auto logits = decoder.forward({&item, 1}, cache);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  sequence.length = count;
  return all;
}

class DecoderOf : public testing::TestWithParam<std::string> {
 protected:
  CpuDecoder decoder(model::WeightType type = model::WeightType::kFloat32,
                     int threads = 1) const {
    return CpuDecoder(family_.config, family_.weights, type, threads);
  }
  void expect_near(const float* found, const std::string& key, size_t row) const {
    const Logits wanted = family_.logits(key, row);
    for (size_t i = 0; i < wanted.size(); ++i)
      ASSERT_NEAR(found[i], wanted[i], 2e-5) << key << " " << row << ", logit " << i;
  }

  Family family_{GetParam()};
  int64_t vocab_ = family_.config.vocab_size;
};

TEST_P(DecoderOf, ComputesWhatTransformersComputes) {
  CpuDecoder decoder = this->decoder();
  KvCache cache(decoder.cache_shape(), 16);
  CachedSequence sequence;
  const Logits logits = feed(decoder, cache, sequence, family_.ids, 200);
  const auto rows = family_.json["rows"].get<std::vector<int64_t>>();
  for (size_t i = 0; i < rows.size(); ++i)
    expect_near(logits.data() + rows[i] * vocab_, "logits", i);
  const auto expected = family_.json["logprobs"].get<std::vector<float>>();
  const auto logprobs = score_tokens(decoder, family_.ids);
  ASSERT_EQ(logprobs.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(logprobs[i], expected[i], 2e-5) << i;
}

TEST_P(DecoderOf, GivesTheSameBitsInChunksAndAmongOthers) {
  CpuDecoder decoder = this->decoder();
  KvCache cache(decoder.cache_shape(), 64);
  CachedSequence whole;
  const Logits expected = feed(decoder, cache, whole, family_.ids, 200);
  for (const int64_t piece : {1, 7, 64}) {
    CachedSequence sequence;
    EXPECT_EQ(feed(decoder, cache, sequence, family_.ids, piece), expected) << piece;
    cache.release(sequence);
  }
  CpuDecoder parallel = this->decoder(model::WeightType::kFloat32, 2);
  CachedSequence mine;
  feed(parallel, cache, mine, std::span(family_.ids).first(150), 150);
  std::vector<CachedSequence> others(3);
  std::vector<DecoderItem> items;
  for (size_t i = 0; i < others.size(); ++i) {
    ASSERT_TRUE(cache.reserve(others[i], 90));
    items.push_back({std::span(family_.ids).subspan(10 * i, 20 + 30 * i), 0,
                     others[i].blocks, LogitRows::kNone});
  }
  ASSERT_TRUE(cache.reserve(mine, 200));
  items.insert(items.begin() + 1,
               {std::span(family_.ids).subspan(150), 150, mine.blocks, LogitRows::kAll});
  const auto logits = parallel.forward(items, cache);
  EXPECT_EQ(Logits(logits.begin(), logits.end()),
            Logits(expected.begin() + 150 * vocab_, expected.end()));
}

/// Ten tokens at the start and ten beyond 32 k: all keys and values between are zero, in
/// one block that stands for all.
TEST_P(DecoderOf, ComputesWhatTransformersComputesFarOut) {
  CpuDecoder decoder = this->decoder();
  const auto far = family_.json["far"].get<int64_t>();
  ASSERT_EQ(far % KvCache::kBlockTokens, 0);
  KvCache cache(decoder.cache_shape(), 4);
  CachedSequence sequence;
  ASSERT_TRUE(cache.reserve(sequence, 3 * KvCache::kBlockTokens));
  const int32_t first = sequence.blocks[0];
  for (const int32_t block : {first, sequence.blocks[1]}) {
    std::memset(cache.keys(block, 0), 0,
                static_cast<size_t>(cache.block_floats()) * sizeof(float));
  }
  std::vector<int32_t> blocks(static_cast<size_t>(far / KvCache::kBlockTokens) + 1,
                              sequence.blocks[1]);
  blocks.front() = first;
  blocks.back() = sequence.blocks[2];
  const auto ids = std::span(family_.ids);
  const DecoderItem near{ids.first(10), 0, blocks, LogitRows::kNone};
  decoder.forward({&near, 1}, cache);
  const DecoderItem item{ids.subspan(10, 10), far, blocks, LogitRows::kAll};
  const auto logits = decoder.forward({&item, 1}, cache);
  expect_near(logits.data(), "far_logits", 0);
  expect_near(logits.data() + 9 * vocab_, "far_logits", 1);
}

double mean_divergence(const Logits& p, const Logits& q, int64_t vocab,
                       int64_t& changed) {
  double sum = 0;
  const int64_t rows = static_cast<int64_t>(p.size()) / vocab;
  const auto log_sum = [&](const float* x) {
    double total = 0;
    for (int64_t i = 0; i < vocab; ++i) total += std::exp(static_cast<double>(x[i]));
    return std::log(total);
  };
  for (int64_t r = 0; r < rows; ++r) {
    const float* a = p.data() + r * vocab;
    const float* b = q.data() + r * vocab;
    const double norm_a = log_sum(a);
    const double norm_b = log_sum(b);
    for (int64_t i = 0; i < vocab; ++i) {
      const double log_p = a[i] - norm_a;
      sum += std::exp(log_p) * (log_p - (b[i] - norm_b));
    }
    const auto best = [&](const float* x) { return std::max_element(x, x + vocab) - x; };
    changed += best(a) != best(b) ? 1 : 0;
  }
  return sum / static_cast<double>(rows);
}

/// Transformers' own bfloat16 is 3e-4 to 1.5e-3 away from its float32 on these cases.
TEST_P(DecoderOf, StaysCloseWithBfloat16Weights) {
  CpuDecoder exact = this->decoder();
  CpuDecoder rounded = this->decoder(model::WeightType::kBfloat16);
  KvCache cache(exact.cache_shape(), 32);
  CachedSequence first;
  CachedSequence second;
  const Logits p = feed(exact, cache, first, family_.ids, 200);
  const Logits q = feed(rounded, cache, second, family_.ids, 200);
  int64_t changed = 0;
  const double divergence = mean_divergence(p, q, vocab_, changed);
  RecordProperty("mean_divergence", std::to_string(divergence));
  EXPECT_GT(divergence, 0);
  EXPECT_LT(divergence, 1e-3);
  EXPECT_LE(changed, 8) << "of 200";
}

TEST_P(DecoderOf, TakesNewWeightsByName) {
  CpuDecoder decoder = this->decoder();
  KvCache cache(decoder.cache_shape(), 16);
  model::TensorMap changed;
  for (const auto& [name, weight] : family_.weights) {
    if (name.find("layers.1.") != std::string::npos) changed[name] = weight * 1.125;
  }
  decoder.swap_weights(changed);
  for (const auto& [name, weight] : changed) family_.weights[name] = weight;
  CpuDecoder fresh = this->decoder();
  CachedSequence sequence;
  const auto ids = std::span(family_.ids).first(40);
  const Logits swapped = feed(decoder, cache, sequence, ids, 40);
  EXPECT_EQ(swapped, feed(fresh, cache, sequence, ids, 40));
}

/// Each mistake that can be made with OLMo-3 moves its logits far more than the tests
/// above allow.
TEST(Decoder, ShowsEveryMistakeWithOlmo3) {
  const Family family("olmo3");
  const auto gap = [&](const std::function<void(model::ModelConfig&)>& change) {
    model::ModelConfig config = family.config;
    change(config);
    CpuDecoder decoder(config, family.weights, model::WeightType::kFloat32, 1);
    KvCache cache(decoder.cache_shape(), 16);
    CachedSequence sequence;
    const Logits logits = feed(decoder, cache, sequence, family.ids, 200);
    const Logits wanted = family.logits("logits", 11);
    const auto row = family.json["rows"][11].get<int64_t>() * config.vocab_size;
    float widest = 0;
    for (size_t i = 0; i < wanted.size(); ++i)
      widest =
          std::max(widest, std::abs(logits[static_cast<size_t>(row) + i] - wanted[i]));
    return widest;
  };
  EXPECT_LT(gap([](auto&) {}), 2e-5);
  EXPECT_GT(gap([](auto& config) { config.sliding_window -= 1; }), 1e-3);
  EXPECT_GT(gap([](auto& config) { config.sliding_window += 1; }), 1e-3);
  EXPECT_GT(gap([](auto& config) { config.scaling_spares_windows = false; }), 1e-3);
  EXPECT_GT(gap([](auto& config) { config.rope_scaling = {}; }), 1e-3);
  EXPECT_GT(gap([](auto& config) { config.rope_scaling.attention_factor = 1; }), 1e-3);
  EXPECT_GT(gap([](auto& config) { config.rope_theta = 1e4; }), 1e-3);
  EXPECT_GT(gap([](auto& config) { config.windowed_layers.flip(); }), 1e-3);
  EXPECT_GT(gap([](auto& config) { config.rms_norm_eps = 1e-3; }), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Family, DecoderOf, testing::ValuesIn(golden::families()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace srpo::engine
