// Memory for buffers that arrive: aligned blocks that are used again.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace srpo::actors {

/// Blocks come back to the pool when the last Buffer that refers to them is dropped, on
/// whatever thread and also after the pool is gone. Thread-safe.
class BufferPool {
 public:
  struct Config {
    size_t max_bytes = size_t{64} << 30;        ///< in use and idle, of the pool's own
    size_t max_idle_bytes = size_t{512} << 20;  ///< kept for the next buffers
  };
  struct Counts {
    size_t used_bytes = 0;        ///< of blocks that are in use
    size_t idle_bytes = 0;        ///< of blocks that wait for use
    size_t registered_bytes = 0;  ///< of idle registered blocks
    size_t taken = 0;             ///< blocks given out
    size_t reused = 0;            ///< of those, blocks that were there already
  };
  using Block = std::shared_ptr<std::byte>;

  BufferPool() : BufferPool(Config{}) {}
  explicit BufferPool(Config config);

  /// At least `size` bytes at an address that 64 divides; null when the pool would pass
  /// max_bytes.
  Block take(size_t size);
  /// Memory of the caller's (pinned, say) that buffers are received into first: cut into
  /// blocks of `block_bytes`, each for one buffer of more than half and at most all of
  /// that size. `owner` is kept as long as the pool or any of the blocks is in use. The
  /// region and `block_bytes` must be multiples of 64 bytes.
  void register_region(std::shared_ptr<void> owner, std::span<std::byte> region,
                       size_t block_bytes);
  Counts counts() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace srpo::actors
