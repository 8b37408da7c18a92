// What the scheduler needs of a model: feed tokens, get logits.
#pragma once

#include <cstdint>
#include <span>

#include "engine/kv_cache.h"
#include "model/tensor_map.h"

namespace srpo::engine {

enum class LogitRows : uint8_t { kNone, kLast, kAll };

/// Consecutive tokens of one sequence: positions first .. first+tokens-1. The cache holds
/// all earlier positions, and `blocks` reach over the new ones.
struct DecoderItem {
  std::span<const int32_t> tokens;
  int64_t first = 0;
  std::span<const int32_t> blocks;
  LogitRows logits = LogitRows::kNone;
};

/// One thread only.
class Decoder {
 public:
  virtual ~Decoder() = default;

  virtual int64_t vocab_size() const = 0;
  virtual int64_t max_positions() const = 0;
  virtual bool ends_text(int32_t token) const = 0;
  virtual CacheShape cache_shape() const = 0;

  /// Writes keys and values of all items' tokens and returns the wanted logits [wanted
  /// rows, vocab_size] in item order, valid until the next call. A row's bits depend on
  /// its sequence's tokens alone: not on the other items, nor on how its tokens were cut
  /// into calls.
  virtual std::span<const float> forward(std::span<const DecoderItem> items,
                                         KvCache& cache) = 0;

  /// Replaces weights by Hugging Face name. Throws kBadInput for an unknown name or a
  /// wrong shape.
  virtual void swap_weights(const model::TensorMap& changed) = 0;
};

}  // namespace srpo::engine
