#include "engine/block_allocator.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::engine {
namespace {

TEST(BlockAllocator, FreesABlockAfterItsLastUser) {
  BlockAllocator allocator(2);
  const int32_t block = allocator.allocate().value();
  allocator.share(block);
  allocator.release(block);
  EXPECT_EQ(allocator.num_free(), 1);
  allocator.release(block);
  EXPECT_EQ(allocator.num_free(), 2);
}

TEST(BlockAllocator, AnswersExhaustionByAValue) {
  BlockAllocator allocator(1);
  EXPECT_TRUE(allocator.allocate().has_value());
  EXPECT_FALSE(allocator.allocate().has_value());
}

TEST(BlockAllocator, TakesAFreeBlockThatIsUsedForABug) {
  BlockAllocator allocator(1);
  EXPECT_THROW(allocator.release(0), core::Error);
  EXPECT_THROW(allocator.share(0), core::Error);
}

}  // namespace
}  // namespace srpo::engine
