// A model that says what a test wants, and keeps its whole memory in the cache: a wrong
// block shows at once.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "engine/decoder.h"

namespace srpo::engine {

/// Writes each token's number where its first key belongs, reads the history back from
/// there, and gives the token that `script` answers to it a logit of 20 (others 0).
class ScriptedDecoder : public Decoder {
 public:
  using Script = std::function<int32_t(const std::vector<int32_t>& history)>;
  static constexpr int32_t kEndOfText = 0;

  explicit ScriptedDecoder(Script script) : script_(std::move(script)) {}

  int64_t vocab_size() const override { return 40; }
  int64_t max_positions() const override { return 2000; }
  bool ends_text(int32_t token) const override { return token == kEndOfText; }
  CacheShape cache_shape() const override { return {1, 1, 2}; }
  void swap_weights(const model::TensorMap&) override {}

  std::span<const float> forward(std::span<const DecoderItem> items,
                                 KvCache& cache) override {
    logits_.clear();
    ++calls;
    largest_batch = std::max(largest_batch, items.size());
    for (const DecoderItem& item : items) {
      for (size_t i = 0; i < item.tokens.size(); ++i) {
        *place(item, item.first + static_cast<int64_t>(i), cache) =
            static_cast<float>(item.tokens[i]);
      }
      tokens_fed += item.tokens.size();
      if (item.logits != LogitRows::kLast) continue;
      std::vector<int32_t> history;
      const auto length = item.first + static_cast<int64_t>(item.tokens.size());
      for (int64_t t = 0; t < length; ++t)
        history.push_back(static_cast<int32_t>(*place(item, t, cache)));
      std::vector<float> row(static_cast<size_t>(vocab_size()), 0.0F);
      row[static_cast<size_t>(script_(history))] = 20;
      logits_.insert(logits_.end(), row.begin(), row.end());
    }
    return logits_;
  }

  size_t calls = 0;
  size_t tokens_fed = 0;
  size_t largest_batch = 0;

 private:
  static float* place(const DecoderItem& item, int64_t t, KvCache& cache) {
    return cache.keys(item.blocks[static_cast<size_t>(t / 16)], 0) + t % 16;
  }

  Script script_;
  std::vector<float> logits_;
};

/// Token 1 is `</thought>`, 2 is `\boxed{`, 0 the end of text, any other a letter.
inline std::string scripted_bytes(int32_t token) {
  if (token == 1) return "</thought>";
  if (token == 2) return "\\boxed{";
  return token == 0 ? "<eos>" : std::string(1, static_cast<char>('a' + token % 26));
}

}  // namespace srpo::engine
