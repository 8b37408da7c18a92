#include "engine/kv_cache.h"

#include <cstring>

#include "core/error.h"

namespace srpo::engine {

KvCache::KvCache(const CacheShape& shape, int64_t num_blocks)
    : shape_(shape),
      value_dim_((shape.head_dim + 15) / 16 * 16),
      key_floats_(shape.kv_heads * shape.head_dim * kBlockTokens),
      layer_floats_(key_floats_ + shape.kv_heads * value_dim_ * kBlockTokens),
      block_floats_(layer_floats_ * shape.layers),
      allocator_(num_blocks),
      memory_(static_cast<size_t>(num_blocks * block_floats_) * sizeof(float)) {}

int64_t KvCache::block_bytes(const CacheShape& shape) {
  const int64_t value_dim = (shape.head_dim + 15) / 16 * 16;
  return shape.layers * shape.kv_heads * (shape.head_dim + value_dim) * kBlockTokens *
         static_cast<int64_t>(sizeof(float));
}

bool KvCache::reserve(CachedSequence& sequence, int64_t length) {
  const int64_t more = blocks_for(length) - static_cast<int64_t>(sequence.blocks.size());
  if (more > allocator_.num_free()) return false;
  for (int64_t i = 0; i < more; ++i) sequence.blocks.push_back(*allocator_.allocate());
  return true;
}

std::optional<CachedSequence> KvCache::fork(const CachedSequence& parent,
                                            int64_t length) {
  ENSURE(length >= 0 && length <= parent.length,
         "fork at " << length << " of a sequence of " << parent.length);
  CachedSequence child;
  const int64_t full = length / kBlockTokens;
  if (length % kBlockTokens != 0) {
    const std::optional<int32_t> tail = allocator_.allocate();
    if (!tail) return std::nullopt;
    std::memcpy(keys(*tail, 0), keys(parent.blocks[static_cast<size_t>(full)], 0),
                static_cast<size_t>(block_floats_) * sizeof(float));
    child.blocks.push_back(*tail);
  }
  child.blocks.insert(child.blocks.begin(), parent.blocks.begin(),
                      parent.blocks.begin() + full);
  for (int64_t i = 0; i < full; ++i)
    allocator_.share(child.blocks[static_cast<size_t>(i)]);
  child.length = length;
  return child;
}

void KvCache::release(CachedSequence& sequence) {
  for (const int32_t block : sequence.blocks) allocator_.release(block);
  sequence = CachedSequence();
}

int64_t KvCache::num_own_blocks(const CachedSequence& sequence) const {
  int64_t own = 0;
  for (const int32_t block : sequence.blocks) own += allocator_.users(block) == 1 ? 1 : 0;
  return own;
}

}  // namespace srpo::engine
