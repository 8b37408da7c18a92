#include "engine/scorer.h"

#include <algorithm>

#include "core/error.h"
#include "engine/sampler.h"

namespace srpo::engine {

std::vector<float> score_tokens(Decoder& decoder, std::span<const int32_t> tokens) {
  const auto count = static_cast<int64_t>(tokens.size());
  REQUIRE(count <= decoder.max_positions(), kBadInput,
          count << " tokens (expected at most " << decoder.max_positions() << ")");
  for (const int32_t token : tokens) {
    REQUIRE(token >= 0 && token < decoder.vocab_size(), kBadInput,
            "token " << token << " (expected 0 to " << decoder.vocab_size() - 1 << ")");
  }
  std::vector<float> scores;
  if (count < 2) return scores;
  KvCache cache(decoder.cache_shape(), KvCache::blocks_for(count));
  CachedSequence sequence;
  ENSURE(cache.reserve(sequence, count), "the cache was made for " << count << " tokens");
  Sampler sampler;
  constexpr int64_t kChunk = 128;
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

}  // namespace srpo::engine
