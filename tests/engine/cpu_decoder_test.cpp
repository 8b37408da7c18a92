#include "engine/cpu_decoder.h"

#include <cmath>
#include <cstring>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "model/lora.h"
#include "tiny_model.h"

namespace srpo::engine {
namespace {

using Logits = std::vector<float>;

/// Feeds one sequence in the given pieces and returns the logits of its last token.
Logits feed(CpuDecoder& decoder, KvCache& cache, CachedSequence& sequence,
            const std::vector<int32_t>& tokens, const std::vector<size_t>& pieces) {
  Logits last;
  size_t first = 0;
  for (const size_t piece : pieces) {
    EXPECT_TRUE(cache.reserve(sequence, static_cast<int64_t>(first + piece)));
    DecoderItem item;
    item.tokens = std::span(tokens).subspan(first, piece);
    item.first = static_cast<int64_t>(first);
    item.blocks = sequence.blocks;
    item.logits = LogitRows::kLast;
    const auto logits = decoder.forward({&item, 1}, cache);
    last.assign(logits.begin(), logits.end());
    first += piece;
  }
  sequence.length = static_cast<int64_t>(first);
  return last;
}

bool bit_equal(const Logits& a, const Logits& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(CpuDecoder, ComputesWhatTransformersComputes) {
  CpuDecoder decoder = tiny_decoder();
  const auto expected = golden();
  const auto ids = expected["ids"].get<std::vector<int32_t>>();
  KvCache cache(decoder.cache_shape(), 8);
  CachedSequence sequence;
  const Logits logits = feed(decoder, cache, sequence, ids, {ids.size()});
  const auto wanted = expected["last_logits"].get<std::vector<float>>();
  ASSERT_EQ(logits.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(logits[i], wanted[i], 2e-5) << "logit " << i;
}

TEST(CpuDecoder, GivesTheSameBitsForAnyCutIntoChunks) {
  CpuDecoder decoder = tiny_decoder();
  const auto ids = golden()["ids"].get<std::vector<int32_t>>();
  KvCache cache(decoder.cache_shape(), 32);
  CachedSequence whole;
  const Logits expected = feed(decoder, cache, whole, ids, {70});
  for (const std::vector<size_t>& pieces : {std::vector<size_t>(70, 1),
                                            {1, 69},
                                            {69, 1},
                                            {16, 16, 16, 16, 6},
                                            {7, 13, 30, 20},
                                            {33, 37}}) {
    CachedSequence sequence;
    EXPECT_TRUE(bit_equal(feed(decoder, cache, sequence, ids, pieces), expected))
        << pieces.size() << " pieces";
    cache.release(sequence);
  }
}

TEST(CpuDecoder, GivesTheSameBitsAloneAndAmongOthersWithAnyNumberOfThreads) {
  for (const auto type : {model::WeightType::kFloat32, model::WeightType::kBfloat16}) {
    CpuDecoder alone = tiny_decoder(type);
    const auto ids = golden()["ids"].get<std::vector<int32_t>>();
    KvCache first_cache(alone.cache_shape(), 8);
    CachedSequence sequence;
    const Logits expected = feed(alone, first_cache, sequence, ids, {69, 1});
    for (const int threads : {1, 2, 3}) {
      CpuDecoder decoder = tiny_decoder(type, threads);
      for (const size_t others : {1, 3, 11, 20, 63}) {
        KvCache cache(decoder.cache_shape(), 600);
        CachedSequence mine;
        feed(decoder, cache, mine, ids, {69});
        std::vector<CachedSequence> sequences(others);
        std::vector<std::vector<int32_t>> tokens(others);
        for (size_t i = 0; i < others; ++i) {
          for (size_t t = 0; t <= 2 * i; ++t)
            tokens[i].push_back(static_cast<int32_t>((5 * t + 11 * i) % 97));
          ASSERT_TRUE(
              cache.reserve(sequences[i], static_cast<int64_t>(tokens[i].size())));
        }
        ASSERT_TRUE(cache.reserve(mine, 70));
        std::vector<DecoderItem> items;
        for (size_t i = 0; i < others; ++i) {
          items.push_back({tokens[i], 0, sequences[i].blocks,
                           i % 2 == 0 ? LogitRows::kNone : LogitRows::kLast});
        }
        const size_t place = others / 2;
        items.insert(items.begin() + static_cast<int64_t>(place),
                     {std::span(ids).subspan(69), 69, mine.blocks, LogitRows::kLast});
        const auto logits = decoder.forward(items, cache);
        const size_t row = place / 2;
        const Logits found(logits.begin() + static_cast<int64_t>(row * 97),
                           logits.begin() + static_cast<int64_t>((row + 1) * 97));
        EXPECT_TRUE(bit_equal(found, expected))
            << others << " others, " << threads << " threads";
      }
    }
  }
}

TEST(CpuDecoder, GoesOnFromAForkedCacheWithTheSameBits) {
  CpuDecoder decoder = tiny_decoder();
  const auto ids = golden()["ids"].get<std::vector<int32_t>>();
  KvCache cache(decoder.cache_shape(), 64);
  CachedSequence parent;
  feed(decoder, cache, parent, ids, {70});
  for (const size_t at : {1, 15, 16, 17, 40, 69}) {
    std::vector<int32_t> tokens(ids.begin(), ids.begin() + static_cast<int64_t>(at));
    tokens.push_back(90);
    tokens.push_back(5);
    CachedSequence fresh;
    const Logits expected = feed(decoder, cache, fresh, tokens, {tokens.size()});
    auto child = cache.fork(parent, static_cast<int64_t>(at));
    ASSERT_TRUE(child.has_value());
    ASSERT_TRUE(cache.reserve(*child, static_cast<int64_t>(at) + 2));
    const DecoderItem item{std::span(tokens).subspan(at), static_cast<int64_t>(at),
                           child->blocks, LogitRows::kLast};
    const auto logits = decoder.forward({&item, 1}, cache);
    EXPECT_TRUE(bit_equal(Logits(logits.begin(), logits.end()), expected))
        << "fork at " << at;
    cache.release(fresh);
    cache.release(*child);
  }
}

TEST(CpuDecoder, ComputesWhatPeftComputesWithItsAdapter) {
  const std::filesystem::path folder =
      std::string(SRPO_SOURCE_DIR) + "/tests/golden/peft_tiny";
  const auto config = model::ModelConfig::load(golden_folder());
  const auto adapter = model::load_adapter(folder, config);
  EXPECT_EQ(adapter.config.scale(), 3);
  EXPECT_EQ(adapter.tensors.size(), static_cast<size_t>(config.num_layers * 3 * 2));
  CpuDecoder decoder(config,
                     model::merge_adapter(model::load_weights(golden_folder()),
                                          adapter.tensors, adapter.config),
                     model::WeightType::kFloat32, 1);
  const auto ids = golden()["ids"].get<std::vector<int32_t>>();
  KvCache cache(decoder.cache_shape(), 8);
  CachedSequence sequence;
  const Logits logits = feed(decoder, cache, sequence, ids, {ids.size()});
  const auto wanted =
      nlohmann::json::parse(core::read_file(folder / "expected.json"))["last_logits"]
          .get<std::vector<float>>();
  ASSERT_EQ(logits.size(), wanted.size());
  // Merged weights are rounded once more than PEFT's branch beside them.
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(logits[i], wanted[i], 4e-5) << "logit " << i;
}

TEST(CpuDecoder, TakesNewWeightsByName) {
  CpuDecoder decoder = tiny_decoder();
  const auto config = model::ModelConfig::load(golden_folder());
  auto weights = model::load_weights(golden_folder());
  const auto ids = golden()["ids"].get<std::vector<int32_t>>();
  KvCache cache(decoder.cache_shape(), 16);
  CachedSequence sequence;
  const Logits before = feed(decoder, cache, sequence, ids, {70});
  model::TensorMap changed;
  for (const char* name :
       {"model.layers.1.self_attn.k_proj.weight", "model.layers.2.mlp.up_proj.weight",
        "model.layers.0.post_attention_layernorm.weight"}) {
    changed[name] = weights[name] * 1.25;
    weights[name] = changed[name];
  }
  decoder.swap_weights(changed);
  CpuDecoder fresh(config, weights, model::WeightType::kFloat32, 1);
  const Logits after = feed(decoder, cache, sequence, ids, {70});
  EXPECT_FALSE(bit_equal(before, after));
  EXPECT_TRUE(bit_equal(after, feed(fresh, cache, sequence, ids, {70})));
  EXPECT_THROW(
      decoder.swap_weights({{"model.layers.9.mlp.up_proj.weight", at::zeros({1})}}),
      core::Error);
  EXPECT_THROW(decoder.swap_weights({{"model.norm.weight", at::zeros({35})}}),
               core::Error);
}

}  // namespace
}  // namespace srpo::engine
