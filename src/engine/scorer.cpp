#include "engine/scorer.h"

#include <algorithm>

#include "core/error.h"
#include "engine/sampler.h"

namespace srpo::engine {
namespace {

constexpr int64_t kChunk = 128;

void require_tokens(const Decoder& decoder, std::span<const int32_t> tokens) {
  for (const int32_t token : tokens) {
    REQUIRE(token >= 0 && token < decoder.vocab_size(), kBadInput,
            "token " << token << " (expected 0 to " << decoder.vocab_size() - 1 << ")");
  }
}

}  // namespace

std::vector<float> score_tokens(Decoder& decoder, std::span<const int32_t> tokens) {
  const auto count = static_cast<int64_t>(tokens.size());
  REQUIRE(count <= decoder.max_positions(), kBadInput,
          count << " tokens (expected at most " << decoder.max_positions() << ")");
  require_tokens(decoder, tokens);
  std::vector<float> scores;
  if (count < 2) return scores;
  KvCache cache(decoder.cache_shape(), KvCache::blocks_for(count));
  CachedSequence sequence;
  ENSURE(cache.reserve(sequence, count), "the cache was made for " << count << " tokens");
  Sampler sampler;
  const auto vocab = static_cast<size_t>(decoder.vocab_size());
  for (int64_t first = 0; first + 1 < count; first += kChunk) {
    const int64_t size = std::min(kChunk, count - 1 - first);
    DecoderItem item;
    item.tokens = tokens.subspan(static_cast<size_t>(first), static_cast<size_t>(size));
    item.first = first;
    item.blocks = sequence.blocks;
    item.logits = LogitRows::kAll;
    const std::span<const float> logits = decoder.forward({&item, 1}, cache);
    for (int64_t i = 0; i < size; ++i) {
      scores.push_back(
          sampler.logprob(logits.subspan(static_cast<size_t>(i) * vocab, vocab),
                          tokens[static_cast<size_t>(first + i + 1)]));
    }
  }
  return scores;
}

std::vector<double> score_replies(Decoder& decoder, std::span<const int32_t> prompt,
                                  std::span<const std::vector<int32_t>> replies) {
  const auto prompt_length = static_cast<int64_t>(prompt.size());
  int64_t longest = 0;
  require_tokens(decoder, prompt);
  REQUIRE(!prompt.empty(), kBadInput, "replies to an empty prompt cannot be scored");
  for (const std::vector<int32_t>& reply : replies) {
    REQUIRE(!reply.empty(), kBadInput, "an empty reply cannot be scored");
    require_tokens(decoder, reply);
    longest = std::max(longest, static_cast<int64_t>(reply.size()));
  }
  const int64_t count = prompt_length + longest;
  REQUIRE(count <= decoder.max_positions(), kBadInput,
          count << " tokens of prompt and reply (expected at most "
                << decoder.max_positions() << ")");
  KvCache cache(decoder.cache_shape(), KvCache::blocks_for(count));
  CachedSequence sequence;
  ENSURE(cache.reserve(sequence, count), "the cache was made for " << count << " tokens");
  Sampler sampler;
  const auto vocab = static_cast<size_t>(decoder.vocab_size());
  DecoderItem item;
  item.blocks = sequence.blocks;
  std::vector<float> behind_prompt;
  for (int64_t first = 0; first < prompt_length; first += kChunk) {
    const int64_t size = std::min(kChunk, prompt_length - first);
    item.tokens = prompt.subspan(static_cast<size_t>(first), static_cast<size_t>(size));
    item.first = first;
    const bool is_last = first + size == prompt_length;
    item.logits = is_last ? LogitRows::kLast : LogitRows::kNone;
    const std::span<const float> logits = decoder.forward({&item, 1}, cache);
    if (is_last) behind_prompt.assign(logits.begin(), logits.end());
  }
  std::vector<double> scores;
  for (const std::vector<int32_t>& reply : replies) {
    double score = sampler.logprob(behind_prompt, reply.front());
    if (reply.size() > 1) {  // its keys and values take the place of those before it
      item.tokens = std::span(reply).first(reply.size() - 1);
      item.first = prompt_length;
      item.logits = LogitRows::kAll;
      const std::span<const float> logits = decoder.forward({&item, 1}, cache);
      for (size_t i = 1; i < reply.size(); ++i)
        score += sampler.logprob(logits.subspan((i - 1) * vocab, vocab), reply[i]);
    }
    scores.push_back(score);
  }
  return scores;
}

}  // namespace srpo::engine
