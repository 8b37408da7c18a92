// Keys and values of all sequences, in shared blocks of 16 tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/block_allocator.h"
#include "model/aligned_buffer.h"

namespace srpo::engine {

struct CacheShape {
  int64_t layers = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
};

/// The cached tokens of one sequence: token t lies in blocks[t / 16], slot t % 16. Made,
/// grown and released by KvCache.
struct CachedSequence {
  std::vector<int32_t> blocks;
  int64_t length = 0;  ///< tokens whose keys and values are there
};

/// One thread only. Memory is touched as it is used.
class KvCache {
 public:
  static constexpr int64_t kBlockTokens = 16;

  KvCache(const CacheShape& shape, int64_t num_blocks);

  /// Blocks for `length` tokens in all; false, and nothing changed, when there are too
  /// few.
  [[nodiscard]] bool reserve(CachedSequence& sequence, int64_t length);

  /// The first `length` tokens of `parent`: full blocks are shared, a partly used last
  /// one is copied, so neither ever writes where the other reads. Nothing when there is
  /// no block for the copy.
  [[nodiscard]] std::optional<CachedSequence> fork(const CachedSequence& parent,
                                                   int64_t length);

  void release(CachedSequence& sequence);

  /// Keys of a block [kv_heads][head_dim][16] and values [kv_heads][16][value_dim()].
  float* keys(int32_t block, int64_t layer) const {
    return memory() + block * block_floats_ + layer * layer_floats_;
  }
  float* values(int32_t block, int64_t layer) const {
    return keys(block, layer) + key_floats_;
  }

  int64_t value_dim() const { return value_dim_; }  ///< head_dim rounded up to 16
  int64_t block_floats() const { return block_floats_; }
  const CacheShape& shape() const { return shape_; }
  int64_t num_free() const { return allocator_.num_free(); }
  int64_t num_blocks() const { return allocator_.num_blocks(); }
  int32_t users(int32_t block) const { return allocator_.users(block); }
  /// Blocks that releasing the sequence would free.
  int64_t num_own_blocks(const CachedSequence& sequence) const;

  static int64_t block_bytes(const CacheShape& shape);

  static int64_t blocks_for(int64_t tokens) {
    return (tokens + kBlockTokens - 1) / kBlockTokens;
  }

 private:
  float* memory() const { return static_cast<float*>(memory_.data()); }

  CacheShape shape_;
  int64_t value_dim_;
  int64_t key_floats_;
  int64_t layer_floats_;
  int64_t block_floats_;
  BlockAllocator allocator_;
  model::AlignedBuffer memory_;
};

}  // namespace srpo::engine
