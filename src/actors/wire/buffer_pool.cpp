#include "actors/wire/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <list>
#include <map>
#include <mutex>
#include <vector>

#include "core/error.h"

namespace srpo::actors {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallest = 4096;

/// Sizes are rounded up to a quarter of a power of two: at most a quarter is wasted.
size_t size_class(size_t size) {
  if (size <= kSmallest) return kSmallest;
  const size_t step = std::max<size_t>(std::bit_floor(size - 1) / 4, 1);
  return (size + step - 1) / step * step;
}

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::byte, Free>;

/// Blocks of one registered size.
struct Region {
  std::shared_ptr<void> owner;
  size_t block_bytes = 0;
  std::vector<std::byte*> idle;
};

}  // namespace

struct BufferPool::State {
  explicit State(Config limits) : config(limits) {}

  Memory take(size_t bytes) {
    const std::lock_guard lock(mutex);
    const auto found = idle.find(bytes);
    if (found != idle.end() && !found->second.empty()) {
      Memory memory = std::move(found->second.back());
      found->second.pop_back();
      counts.idle_bytes -= bytes;
      ++counts.reused;
      note_taken(bytes);
      return memory;
    }
    if (counts.used_bytes + counts.idle_bytes + bytes > config.max_bytes) drop_idle();
    if (counts.used_bytes + bytes > config.max_bytes) return nullptr;
    // Large blocks on a page, which lets one process read the other's memory at once.
    const size_t alignment = bytes >= kSmallest ? kSmallest : kAlignment;
    Memory memory(static_cast<std::byte*>(
        std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)));
    if (memory) note_taken(bytes);
    return memory;
  }
  void give_back(std::byte* block, size_t bytes) {
    Memory memory(block);
    const std::lock_guard lock(mutex);
    counts.used_bytes -= bytes;
    if (counts.idle_bytes + bytes > config.max_idle_bytes) return;
    counts.idle_bytes += bytes;
    idle[bytes].push_back(std::move(memory));
  }
  std::byte* take_registered(size_t size, Region*& from) {
    const std::lock_guard lock(mutex);
    for (Region& region : regions) {
      if (size > region.block_bytes || size <= region.block_bytes / 2) continue;
      if (region.idle.empty()) continue;
      std::byte* block = region.idle.back();
      region.idle.pop_back();
      counts.registered_bytes -= region.block_bytes;
      ++counts.reused;
      note_taken(0);
      from = &region;
      return block;
    }
    return nullptr;
  }
  void give_back_registered(std::byte* block, Region& region) {
    const std::lock_guard lock(mutex);
    region.idle.push_back(block);
    counts.registered_bytes += region.block_bytes;
  }
  void note_taken(size_t bytes) {
    counts.used_bytes += bytes;
    ++counts.taken;
  }
  void drop_idle() {
    idle.clear();
    counts.idle_bytes = 0;
  }

  Config config;
  mutable std::mutex mutex;
  std::map<size_t, std::vector<Memory>> idle;
  std::list<Region> regions;  // never moved: blocks in use refer to theirs
  Counts counts;
};

BufferPool::BufferPool(Config config) : state_(std::make_shared<State>(config)) {}

BufferPool::Block BufferPool::take(size_t size) {
  Region* region = nullptr;
  if (std::byte* block = state_->take_registered(size, region)) {
    return {block, [state = state_, region](std::byte* memory) {
              state->give_back_registered(memory, *region);
            }};
  }
  const size_t bytes = size_class(size);
  Memory memory = state_->take(bytes);
  if (!memory) return nullptr;
  return {memory.release(),
          [state = state_, bytes](std::byte* block) { state->give_back(block, bytes); }};
}

void BufferPool::register_region(std::shared_ptr<void> owner, std::span<std::byte> region,
                                 size_t block_bytes) {
  REQUIRE(block_bytes > 0 && block_bytes % kAlignment == 0 &&
              reinterpret_cast<uintptr_t>(region.data()) % kAlignment == 0,
          kBadInput,
          "registered memory and its blocks of "
              << block_bytes << " bytes must be multiples of " << kAlignment);
  const std::lock_guard lock(state_->mutex);
  Region& added = state_->regions.emplace_back();
  added.owner = std::move(owner);
  added.block_bytes = block_bytes;
  for (size_t at = 0; at + block_bytes <= region.size(); at += block_bytes) {
    added.idle.push_back(region.data() + at);
    state_->counts.registered_bytes += block_bytes;
  }
}

BufferPool::Counts BufferPool::counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts;
}

}  // namespace srpo::actors
