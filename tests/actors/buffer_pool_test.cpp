#include "actors/wire/buffer_pool.h"

#include <thread>

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::actors {
namespace {

uintptr_t address(const BufferPool::Block& block) {
  return reinterpret_cast<uintptr_t>(block.get());
}

TEST(BufferPool, GivesAlignedBlocksAndUsesThemAgain) {
  BufferPool pool;
  uintptr_t first = 0;
  {
    const auto block = pool.take(100'000);
    first = address(block);
    EXPECT_EQ(first % 64, 0u);
    EXPECT_GE(pool.counts().used_bytes, 100'000u);
    EXPECT_LE(pool.counts().used_bytes, 125'000u);
  }
  EXPECT_EQ(pool.counts().used_bytes, 0u);
  const auto again = pool.take(99'000);  // of the same class
  EXPECT_EQ(address(again), first);
  EXPECT_EQ(pool.counts().reused, 1u);
  EXPECT_NE(address(pool.take(99'000)), first);
}

TEST(BufferPool, KeepsNoMoreThanItsLimits) {
  BufferPool pool({.max_bytes = 1'000'000, .max_idle_bytes = 300'000});
  {
    const auto a = pool.take(250'000);
    const auto b = pool.take(250'000);
    const auto c = pool.take(250'000);
    EXPECT_NE(c, nullptr);
    EXPECT_EQ(pool.take(500'000), nullptr);
  }
  EXPECT_LE(pool.counts().idle_bytes, 300'000u);
  // What is idle makes room for another size.
  EXPECT_NE(pool.take(900'000), nullptr);
}

TEST(BufferPool, UsesRegisteredMemoryFirst) {
  BufferPool pool;
  alignas(64) static std::byte region[3 * 8192];
  auto owner = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = owner;
  pool.register_region(std::move(owner), region, 8192);
  auto a = pool.take(8192);
  auto b = pool.take(5000);
  EXPECT_GE(a.get(), region);
  EXPECT_LT(b.get(), region + sizeof region);
  const auto small = pool.take(4096);  // half a block: not worth one
  EXPECT_TRUE(small.get() < region || small.get() >= region + sizeof region);
  EXPECT_EQ(pool.counts().registered_bytes, 8192u);
  const std::byte* place = b.get();
  b.reset();
  const auto c = pool.take(6000);
  EXPECT_EQ(c.get(), place);
  EXPECT_FALSE(alive.expired());
  EXPECT_THROW(pool.register_region(nullptr, region, 100), core::Error);
}

TEST(BufferPool, TakesBlocksBackOnAnyThreadAndAfterItsEnd) {
  BufferPool::Block last;
  {
    BufferPool pool;
    last = pool.take(5000);
    std::thread([block = pool.take(5000)]() mutable { block.reset(); }).join();
    EXPECT_EQ(pool.counts().used_bytes, 5120u);
  }
  last.reset();
}

}  // namespace
}  // namespace srpo::actors
