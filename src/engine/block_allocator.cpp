#include "engine/block_allocator.h"

#include "core/error.h"

namespace srpo::engine {

BlockAllocator::BlockAllocator(int64_t num_blocks)
    : users_(static_cast<size_t>(num_blocks), 0) {
  // The lowest block is handed out first: a small load touches little memory.
  for (int64_t block = num_blocks; block > 0; --block) {
    free_.push_back(static_cast<int32_t>(block - 1));
  }
}

std::optional<int32_t> BlockAllocator::allocate() {
  if (free_.empty()) return std::nullopt;
  const int32_t block = free_.back();
  free_.pop_back();
  users_[static_cast<size_t>(block)] = 1;
  return block;
}

void BlockAllocator::share(int32_t block) {
  int32_t& users = users_.at(static_cast<size_t>(block));
  ENSURE(users > 0, "block " << block << " is shared but free");
  ++users;
}

void BlockAllocator::release(int32_t block) {
  int32_t& users = users_.at(static_cast<size_t>(block));
  ENSURE(users > 0, "block " << block << " is released but free");
  if (--users == 0) free_.push_back(block);
}

}  // namespace srpo::engine
