#include "engine/generation_engine.h"

#include <algorithm>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "core/error.h"
#include "scripted_decoder.h"

namespace srpo::engine {
namespace {

using records::DrawKind;
using records::FinishReason;
using records::GenerationRequest;
using records::Trajectory;
using Tokens = std::vector<int32_t>;
using Ends = std::vector<uint32_t>;

struct Bench {
  ScriptedDecoder* decoder;
  GenerationEngine engine;

  explicit Bench(ScriptedDecoder::Script script, EngineConfig config = {})
      : Bench(new ScriptedDecoder(std::move(script)), config) {}
  Bench(ScriptedDecoder* made, EngineConfig config)
      : decoder(made), engine(std::unique_ptr<Decoder>(made), config, scripted_bytes) {}

  std::vector<Trajectory> run() {
    while (engine.step()) {
    }
    return engine.take_finished();
  }
};

GenerationRequest request(uint16_t index, Tokens prompt) {
  GenerationRequest made;
  made.id.index = index;
  made.prompt_tokens = std::move(prompt);
  made.sampling.temperature = 0;
  made.limits.max_thoughts = 5;
  made.limits.thought_tokens = 8;
  made.limits.response_tokens = 60;
  made.limits.context_tokens = 500;
  return made;
}

Tokens counted(int32_t length, int32_t start = 3) {
  Tokens tokens(static_cast<size_t>(length));
  for (int32_t i = 0; i < length; ++i)
    tokens[static_cast<size_t>(i)] = 3 + (start + i) % 30;
  return tokens;
}

/// Thoughts of three letters and a mark; the fourth contains a box.
int32_t four_thoughts(const Tokens& history, size_t prompt) {
  const size_t said = history.size() - prompt;
  if (said % 4 == 3) return 1;
  return said == 13 ? 2 : 5 + static_cast<int32_t>((history.back() + said) % 20);
}

TEST(GenerationEngine, DrawsAChainOfThoughts) {
  Bench bench([](const Tokens& h) { return four_thoughts(h, 20); });
  bench.engine.submit(request(0, counted(20)));
  const auto chains = bench.run();
  ASSERT_EQ(chains.size(), 1U);
  const Trajectory& chain = chains[0];
  EXPECT_EQ(chain.finish, FinishReason::kAnswer);
  EXPECT_EQ(chain.thought_ends, (Ends{4, 8, 12, 16}));
  EXPECT_EQ(chain.tokens.size(), 16U);
  EXPECT_EQ(chain.logprobs.size(), 16U);
  EXPECT_EQ(chain.decoded_tokens, 16U);
  EXPECT_EQ(chain.prefilled_tokens, 19U);
  EXPECT_EQ(chain.prefix_length, 0U);
  EXPECT_FALSE(bench.engine.step());
}

TEST(GenerationEngine, KeepsTheEndOfTextTokenAndEndsThere) {
  Bench bench([](const Tokens& h) { return h.size() == 24 ? 0 : 7; });
  bench.engine.submit(request(0, counted(20)));
  const auto chain = bench.run().at(0);
  EXPECT_EQ(chain.tokens, (Tokens{7, 7, 7, 7, 0}));
  EXPECT_EQ(chain.finish, FinishReason::kEndOfText);
  EXPECT_EQ(chain.thought_ends, (Ends{5}));
}

TEST(GenerationEngine, EqualPromptsShareOnePrefill) {
  Bench bench([](const Tokens& h) { return four_thoughts(h, 40); });
  for (uint16_t i = 0; i < 8; ++i) bench.engine.submit(request(i, counted(40)));
  const auto chains = bench.run();
  ASSERT_EQ(chains.size(), 8U);
  uint32_t prefilled = 0;
  for (const Trajectory& chain : chains) {
    EXPECT_EQ(chain.tokens, chains[0].tokens);
    prefilled += chain.prefilled_tokens;
  }
  EXPECT_EQ(prefilled, 39U);
  EXPECT_EQ(bench.decoder->tokens_fed, 39U + 8 * 16);
  bench.engine.submit(request(9, counted(40)));
  EXPECT_EQ(bench.run().at(0).prefilled_tokens, 0U)
      << "the prompt stays while there is room";
}

TEST(GenerationEngine, PromptsThatBeginAlikeShareTheBeginning) {
  Bench bench([](const Tokens& h) { return h.size() > 60 ? 0 : 9; });
  Tokens first = counted(50);
  Tokens second = first;
  second.resize(45);
  second.push_back(4);
  bench.engine.submit(request(0, first));
  bench.run();
  bench.engine.submit(request(1, second));
  EXPECT_EQ(bench.run().at(0).prefilled_tokens, 0U);
  second[30] = 35;
  bench.engine.submit(request(2, second));
  EXPECT_EQ(bench.run().at(0).prefilled_tokens, 15U);
}

GenerationRequest suffix_of(const Trajectory& parent, const Tokens& prompt,
                            size_t thoughts, uint16_t index) {
  GenerationRequest made = request(index, prompt);
  made.id.kind = DrawKind::kSuffix;
  made.parent = parent.id;
  const uint32_t length = thoughts == 0 ? 0 : parent.thought_ends[thoughts - 1];
  made.prefix_tokens.assign(parent.tokens.begin(), parent.tokens.begin() + length);
  made.prefix_logprobs.assign(parent.logprobs.begin(), parent.logprobs.begin() + length);
  made.prefix_thought_ends.assign(
      parent.thought_ends.begin(),
      parent.thought_ends.begin() + static_cast<int64_t>(thoughts));
  return made;
}

TEST(GenerationEngine, ASuffixOfARetainedChainPrefillsNothing) {
  for (const int32_t length : {1, 2, 15, 16, 17, 20, 33}) {
    const auto prompt = counted(length);
    const auto script = [&](const Tokens& h) { return four_thoughts(h, prompt.size()); };
    Bench bench(script);
    auto parent_request = request(0, prompt);
    parent_request.retain = true;
    bench.engine.submit(parent_request);
    const Trajectory parent = bench.run().at(0);
    const size_t fed = bench.decoder->tokens_fed;
    for (uint16_t thoughts = 0; thoughts < 4; ++thoughts)
      bench.engine.submit(suffix_of(parent, prompt, thoughts, thoughts));
    bench.engine.release(parent.id);
    const auto suffixes = bench.run();
    ASSERT_EQ(suffixes.size(), 4U);
    for (const Trajectory& suffix : suffixes) {
      EXPECT_EQ(suffix.prefilled_tokens, 0U);
      EXPECT_EQ(suffix.prefix_length, 4U * suffix.id.index);
      EXPECT_EQ(suffix.tokens, parent.tokens);
      EXPECT_EQ(suffix.logprobs, parent.logprobs);
      EXPECT_EQ(suffix.thought_ends, parent.thought_ends);
      EXPECT_EQ(suffix.decoded_tokens, 16 - suffix.prefix_length);
    }
    EXPECT_EQ(bench.decoder->tokens_fed - fed, 16U + 12 + 8 + 4);
  }
}

TEST(GenerationEngine, ASuffixWithoutItsParentIsPrefilledWithTheSameResult) {
  const auto prompt = counted(20);
  const auto script = [&](const Tokens& h) { return four_thoughts(h, prompt.size()); };
  Bench bench(script);
  bench.engine.submit(request(0, prompt));
  const Trajectory parent = bench.run().at(0);
  bench.engine.swap_weights({}, 1);
  for (uint16_t i = 0; i < 4; ++i) bench.engine.submit(suffix_of(parent, prompt, 2, i));
  const auto suffixes = bench.run();
  uint32_t prefilled = 0;
  for (const Trajectory& suffix : suffixes) {
    EXPECT_EQ(suffix.tokens, parent.tokens);
    EXPECT_EQ(suffix.policy_version, 1U);
    prefilled += suffix.prefilled_tokens;
  }
  EXPECT_EQ(prefilled, 27U);
}

TEST(GenerationEngine, PlainTextStopsAtTheStopStringWithoutThoughts) {
  Bench bench([](const Tokens& h) {
    return h.size() == 13 ? 1 : h.size() == 15 ? 2 : 7;
  });
  auto plain = request(0, counted(10));
  plain.limits.thoughts = false;
  plain.limits.stops = {"boxed{"};
  bench.engine.submit(plain);
  const auto chain = bench.run().at(0);
  EXPECT_EQ(chain.tokens, (Tokens{7, 7, 7, 1, 7, 2}));
  EXPECT_TRUE(chain.thought_ends.empty());
  EXPECT_EQ(chain.finish, FinishReason::kEndOfText);
}

TEST(GenerationEngine, StopsAtTheFirstOfSeveralStringsEvenAcrossTokens) {
  // d, e, f, ... : tokens 3, 4, 5 spell them one by one.
  Bench bench(
      [](const Tokens& h) { return 3 + static_cast<int32_t>(h.size() - 10) % 20; });
  auto plain = request(0, counted(10));
  plain.limits.thoughts = false;
  plain.limits.stops = {"xyz", "fgh", "ghijk"};
  bench.engine.submit(plain);
  EXPECT_EQ(bench.run().at(0).tokens, (Tokens{3, 4, 5, 6, 7}));
}

TEST(GenerationEngine, SerialOrderRunsOneChainOfAGroupAtATime) {
  const auto script = [](const Tokens& h) { return h.size() > 24 ? 0 : 9; };
  Bench parallel(script);
  Bench serial(script, {.order = Order::kSerial});
  for (uint16_t i = 0; i < 12; ++i) {
    auto made = request(i, counted(20, i));
    made.id.slot = i % 3;
    parallel.engine.submit(made);
    serial.engine.submit(made);
  }
  auto expected = parallel.run();
  auto chains = serial.run();
  EXPECT_EQ(parallel.decoder->largest_batch, 12U);
  EXPECT_LE(serial.decoder->largest_batch, 3U);
  ASSERT_EQ(chains.size(), 12U);
  std::map<uint32_t, uint16_t> last;
  for (const Trajectory& chain : chains) {
    EXPECT_GE(chain.id.index, last[chain.id.slot]) << "not in order of arrival";
    last[chain.id.slot] = chain.id.index;
  }
  const auto by_id = [](const auto& x, const auto& y) { return x.id < y.id; };
  std::sort(expected.begin(), expected.end(), by_id);
  std::sort(chains.begin(), chains.end(), by_id);
  for (size_t i = 0; i < chains.size(); ++i)
    EXPECT_EQ(expected[i].tokens, chains[i].tokens);
}

TEST(GenerationEngine, HighPriorityTakesTheSeatOfLow) {
  Bench bench([](const Tokens& h) { return h.size() > 26 ? 0 : 9; },
              {.max_sequences = 2});
  for (uint16_t i = 0; i < 3; ++i) bench.engine.submit(request(i, counted(20)));
  for (int i = 0; i < 3; ++i) bench.engine.step();
  auto urgent = request(9, counted(20, 5));
  urgent.priority = 1;
  bench.engine.submit(urgent);
  const auto chains = bench.run();
  ASSERT_EQ(chains.size(), 4U);
  EXPECT_EQ(chains[0].id.index, 0U) << "the older of the low ones kept its seat";
  EXPECT_EQ(chains[1].id.index, 9U);
  EXPECT_EQ(bench.engine.statistics().preemptions, 1U);
  for (const Trajectory& chain : chains) EXPECT_EQ(chain.tokens.size(), 8U);
}

TEST(GenerationEngine, GivesBothLogProbabilitiesOfEachDraw) {
  Bench bench([](const Tokens& h) { return h.size() > 24 ? 0 : 9; });
  auto made = request(0, counted(20));
  made.sampling = {10, 0.1, 0, 1};
  bench.engine.submit(made);
  const auto chain = bench.run().at(0);
  ASSERT_EQ(chain.truncated_logprobs.size(), chain.tokens.size());
  for (size_t i = 0; i < chain.tokens.size(); ++i) {
    EXPECT_EQ(chain.truncated_logprobs[i], 0) << "one token has more than a tenth";
    EXPECT_LT(chain.logprobs[i], -1);
  }
}

TEST(GenerationEngine, AChainThatMayNotBeginEndsAtOnce) {
  Bench bench([](const Tokens&) { return 7; });
  bench.engine.submit(request(0, counted(495)));
  EXPECT_FALSE(bench.engine.step());
  const auto chain = bench.engine.take_finished().at(0);
  EXPECT_EQ(chain.finish, FinishReason::kTokenLimit);
  EXPECT_TRUE(chain.tokens.empty());
}

TEST(GenerationEngine, TheLastThoughtEndsWhereTheChainDoes) {
  // Scripts of all kinds: each answers by a hash of the history.
  for (uint32_t salt = 1; salt < 60; ++salt) {
    const auto script = [salt](const Tokens& h) {
      uint32_t hash = salt;
      for (const int32_t token : h)
        hash = (hash ^ static_cast<uint32_t>(token)) * 16777619U;
      const uint32_t pick = (hash >> 8) % 40;
      return static_cast<int32_t>(pick == 0                    ? (salt % 3 == 0 ? 0 : 7)
                                  : pick == 2 && salt % 2 == 0 ? 9
                                                               : pick);
    };
    Bench bench(
        script,
        {.max_sequences = 3, .cache_tokens = 16 * 14, .prefill_tokens_per_step = 5});
    for (uint16_t i = 0; i < 6; ++i)
      bench.engine.submit(request(i, counted(5 + 7 * (i % 3), i)));
    for (const Trajectory& chain : bench.run()) {
      ASSERT_FALSE(chain.thought_ends.empty());
      EXPECT_EQ(chain.thought_ends.back(), chain.tokens.size());
      EXPECT_EQ(chain.tokens.size(), chain.logprobs.size());
      EXPECT_LE(chain.tokens.size(), 60U);
      EXPECT_LE(chain.thought_ends.size(), 5U);
    }
  }
}

TEST(GenerationEngine, BatchesNoMoreChainsThanAllowed) {
  Bench bench([](const Tokens& h) { return h.size() > 30 ? 0 : 9; },
              {.max_sequences = 4});
  for (uint16_t i = 0; i < 12; ++i) bench.engine.submit(request(i, counted(20)));
  EXPECT_EQ(bench.run().size(), 12U);
  EXPECT_EQ(bench.decoder->largest_batch, 4U);
}

TEST(GenerationEngine, MixesPrefillWithDecoding) {
  Bench bench([](const Tokens&) { return 9; },
              {.max_sequences = 8, .prefill_tokens_per_step = 16});
  bench.engine.submit(request(0, counted(10)));
  bench.engine.step();
  bench.engine.step();
  bench.engine.submit(request(1, counted(100, 7)));
  for (int i = 0; i < 3; ++i) bench.engine.step();
  EXPECT_EQ(bench.decoder->tokens_fed, 9U + 4 + 3 * 16);
}

TEST(GenerationEngine, CancelDropsAChainAndFreesItsBlocks) {
  Bench bench([](const Tokens&) { return 9; },
              {.max_sequences = 2, .cache_tokens = 1024});
  for (uint16_t i = 0; i < 3; ++i) bench.engine.submit(request(i, counted(20 + i)));
  for (int i = 0; i < 4; ++i) bench.engine.step();
  for (uint16_t i = 0; i < 3; ++i) bench.engine.cancel({0, 0, DrawKind::kFresh, i});
  EXPECT_FALSE(bench.engine.step());
  EXPECT_TRUE(bench.engine.take_finished().empty());
  bench.engine.swap_weights({}, 2);
  EXPECT_EQ(bench.engine.num_free_blocks(), 64);
}

TEST(GenerationEngine, ReleaseFreesARetainedChain) {
  Bench bench([](const Tokens& h) { return four_thoughts(h, 20); },
              {.cache_tokens = 1024});
  auto kept = request(0, counted(20));
  kept.retain = true;
  bench.engine.submit(kept);
  bench.run();
  const int64_t before = bench.engine.num_free_blocks();
  bench.engine.release(kept.id);
  EXPECT_GT(bench.engine.num_free_blocks(), before);
  bench.engine.release(kept.id);
}

TEST(GenerationEngine, GoesOnUnderNewWeightsAndTellsFromWhichToken) {
  const auto script = [](const Tokens&) { return 9; };
  Bench calm(script);
  calm.engine.submit(request(0, counted(20)));
  const Trajectory expected = calm.run().at(0);
  Bench bench(script);
  bench.engine.submit(request(0, counted(20)));
  bench.engine.swap_weights({}, 3);
  for (int i = 0; i < 4; ++i) bench.engine.step();
  bench.engine.swap_weights({}, 4);
  bench.engine.swap_weights({}, 5);  // draws nothing under 4
  const Trajectory chain = bench.run().at(0);
  EXPECT_EQ(chain.policy_version, 5U);
  ASSERT_EQ(chain.version_spans.size(), 2U);
  EXPECT_EQ(chain.version_spans[0], (records::VersionSpan{0, 3}));
  EXPECT_EQ(chain.version_spans[1].version, 5U);
  EXPECT_GT(chain.version_spans[1].first_token, 0U);
  EXPECT_LT(chain.version_spans[1].first_token, chain.tokens.size());
  EXPECT_EQ(chain.tokens, expected.tokens);
  EXPECT_GT(chain.prefilled_tokens, expected.prefilled_tokens);
  EXPECT_EQ(chain.stream, chain.id.key());
  EXPECT_FALSE(chain.parent);
}

TEST(GenerationEngine, RefusesBadRequestsByASentence) {
  Bench bench([](const Tokens&) { return 9; }, {.cache_tokens = 16 * 8});
  const auto refused = [&](const std::function<void(GenerationRequest&)>& spoil) {
    auto made = request(0, counted(20));
    spoil(made);
    try {
      bench.engine.submit(made);
    } catch (const core::Error& error) {
      return error.kind() == core::ErrorKind::kBadInput;
    }
    return false;
  };
  EXPECT_TRUE(refused([](auto& r) { r.prompt_tokens.clear(); }));
  EXPECT_TRUE(refused([](auto& r) { r.prompt_tokens[3] = 40; }));
  EXPECT_TRUE(refused([](auto& r) { r.prompt_tokens[3] = -1; }));
  EXPECT_TRUE(refused([](auto& r) { r.sampling.top_p = 1.5; }));
  EXPECT_TRUE(refused([](auto& r) { r.prefix_tokens = {4}; }));
  EXPECT_TRUE(refused([](auto& r) {
    r.prefix_tokens = {4, 5}, r.prefix_logprobs = {0, 0}, r.prefix_thought_ends = {1};
  }));
  EXPECT_TRUE(refused([](auto& r) { r.limits.thought_tokens = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.limits.stops = {"abc"}; })) << "in thoughts";
  EXPECT_TRUE(refused([](auto& r) { r.limits.thoughts = false, r.limits.stops = {""}; }));
  EXPECT_TRUE(refused([](auto& r) {
    r.limits.thoughts = false, r.limits.stops = {"a\xFF"};
  })) << "no token spells it";
  EXPECT_TRUE(refused([](auto& r) { r.sampling.logit_bias = {{40, 1}}; }));
  EXPECT_TRUE(refused([](auto& r) { r.limits.response_tokens = 200; }))
      << "could outgrow the cache";
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto&) {})) << "the id is in flight";
}

}  // namespace
}  // namespace srpo::engine
