// Chains under memory pressure, with a real model: the same bits as without.
#include <cstring>
#include <map>

#include <gtest/gtest.h>

#include "core/random.h"
#include "engine/generation_engine.h"
#include "tiny_model.h"

namespace srpo::engine {
namespace {

using records::GenerationRequest;
using records::Trajectory;

std::string bytes_of(int32_t token) {
  if (token == 5) return "</thought>";
  if (token == 6) return "\\boxed{";
  return std::string(1, static_cast<char>('a' + token % 26));
}

GenerationEngine tiny_engine(const EngineConfig& config) {
  return GenerationEngine(model::ModelConfig::load(golden_folder()),
                          model::load_weights(golden_folder()), config, bytes_of);
}

std::vector<GenerationRequest> fresh_requests(int prompts, int chains) {
  std::vector<GenerationRequest> requests;
  for (int p = 0; p < prompts; ++p) {
    core::Rng rng(4, core::Purpose::kTest, static_cast<uint64_t>(p));
    std::vector<int32_t> prompt(12, 9);  // all prompts begin alike
    for (uint64_t i = 0; i < 3 + rng.below(20); ++i)
      prompt.push_back(static_cast<int32_t>(3 + rng.below(90)));
    for (int c = 0; c < chains; ++c) {
      GenerationRequest request;
      request.id = {1, static_cast<uint32_t>(p), records::DrawKind::kFresh,
                    static_cast<uint16_t>(c)};
      request.prompt_tokens = prompt;
      request.sampling = {0.9, 0.95, 0, 77};
      request.limits = {true, 6, 12, 60, 120, {}};
      request.retain = c == 0;
      requests.push_back(request);
    }
  }
  return requests;
}

GenerationRequest suffix_of(const GenerationRequest& from, const Trajectory& parent,
                            uint16_t index) {
  GenerationRequest request = from;
  request.id.kind = records::DrawKind::kSuffix;
  request.id.index = index;
  request.parent = parent.id;
  request.retain = false;
  const size_t thoughts = parent.thought_ends.size() / 2;
  const uint32_t length = thoughts == 0 ? 0 : parent.thought_ends[thoughts - 1];
  request.prefix_tokens.assign(parent.tokens.begin(), parent.tokens.begin() + length);
  request.prefix_logprobs.assign(parent.logprobs.begin(),
                                 parent.logprobs.begin() + length);
  request.prefix_thought_ends.assign(
      parent.thought_ends.begin(),
      parent.thought_ends.begin() + static_cast<int64_t>(thoughts));
  return request;
}

using Chains = std::map<records::TrajectoryId, Trajectory>;

/// Fresh chains, and endings of each prompt's first one as soon as it is there.
Chains draw_all(GenerationEngine& engine,
                const std::vector<GenerationRequest>& requests) {
  Chains chains;
  std::map<records::TrajectoryId, GenerationRequest> asked;
  for (const GenerationRequest& request : requests) {
    asked[request.id] = request;
    engine.submit(request);
  }
  while (engine.step()) {
    for (Trajectory& chain : engine.take_finished()) {
      const GenerationRequest& request = asked[chain.id];
      if (request.retain) {
        for (uint16_t i = 0; i < 3; ++i) engine.submit(suffix_of(request, chain, i));
      }
      const auto id = chain.id;
      EXPECT_TRUE(chains.emplace(id, std::move(chain)).second);
    }
  }
  for (Trajectory& chain : engine.take_finished()) chains.emplace(chain.id, chain);
  return chains;
}

void expect_equal(const Chains& found, const Chains& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (const auto& [id, chain] : expected) {
    const Trajectory& other = found.at(id);
    EXPECT_EQ(other.tokens, chain.tokens) << id.to_string();
    EXPECT_EQ(other.logprobs, chain.logprobs) << id.to_string();
    EXPECT_EQ(other.thought_ends, chain.thought_ends) << id.to_string();
    EXPECT_EQ(other.finish, chain.finish) << id.to_string();
  }
}

TEST(Pressure, AChainIsTheSameAloneInABatchAndUnderPressure) {
  const auto requests = fresh_requests(6, 5);
  GenerationEngine roomy = tiny_engine({});
  const Chains expected = draw_all(roomy, requests);
  ASSERT_EQ(expected.size(), 6U * 5 + 6 * 3);
  EXPECT_EQ(roomy.statistics().preemptions, 0U);
  for (const auto& [id, chain] : expected) {
    if (id.kind != records::DrawKind::kSuffix) continue;
    EXPECT_EQ(chain.prefilled_tokens, 0U);
  }

  GenerationEngine single =
      tiny_engine({.max_sequences = 1, .prefill_tokens_per_step = 1});
  expect_equal(draw_all(single, requests), expected);

  uint64_t preemptions = 0;
  uint64_t evictions = 0;
  for (const int64_t blocks : {8, 9, 11, 16, 24, 40, 60}) {
    for (const int64_t chunk : {3, 64}) {
      GenerationEngine tight = tiny_engine({.max_sequences = 16,
                                            .cache_tokens = 16 * blocks,
                                            .prefill_tokens_per_step = chunk,
                                            .threads = blocks % 2 == 0 ? 2 : 1});
      expect_equal(draw_all(tight, requests), expected);
      preemptions += tight.statistics().preemptions;
      evictions += tight.statistics().evictions;
      tight.swap_weights({}, 1);
      EXPECT_EQ(tight.num_free_blocks(), blocks) << "blocks are lost";
    }
  }
  EXPECT_GT(preemptions, 0U);
  EXPECT_GT(evictions, 0U);
}

TEST(Pressure, GreedyChainsAreThoseOfTransformers) {
  GenerationEngine engine = tiny_engine({});
  const auto expected = golden();
  GenerationRequest request;
  const auto ids = expected["ids"].get<std::vector<int32_t>>();
  request.prompt_tokens.assign(ids.begin(), ids.begin() + 20);
  request.sampling.temperature = 0;
  request.limits.thoughts = false;
  request.limits.response_tokens = 16;
  engine.submit(request);
  while (engine.step()) {
  }
  EXPECT_EQ(engine.take_finished().at(0).tokens,
            expected["greedy"].get<std::vector<int32_t>>());
}

}  // namespace
}  // namespace srpo::engine
