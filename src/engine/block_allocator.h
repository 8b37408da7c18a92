// Who uses which block of the key-value cache.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace srpo::engine {

/// Counts the users of each of `num_blocks` blocks. One thread only.
class BlockAllocator {
 public:
  explicit BlockAllocator(int64_t num_blocks);

  /// A block with one user, or nothing when all are taken.
  std::optional<int32_t> allocate();
  /// One more user of a taken block.
  void share(int32_t block);
  /// One user less; the block is free again after the last.
  void release(int32_t block);

  int64_t num_free() const { return static_cast<int64_t>(free_.size()); }
  int64_t num_blocks() const { return static_cast<int64_t>(users_.size()); }
  int32_t users(int32_t block) const { return users_[static_cast<size_t>(block)]; }

 private:
  std::vector<int32_t> users_;
  std::vector<int32_t> free_;
};

}  // namespace srpo::engine
