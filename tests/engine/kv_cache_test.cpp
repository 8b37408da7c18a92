#include "engine/kv_cache.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::engine {
namespace {

TEST(KvCache, SharesFullBlocksAndCopiesThePartlyUsedOne) {
  KvCache cache({2, 3, 4}, 10);
  CachedSequence parent;
  ASSERT_TRUE(cache.reserve(parent, 40));
  parent.length = 40;
  for (size_t i = 0; i < 3; ++i)
    cache.keys(parent.blocks[i], 1)[5] = static_cast<float>(i);
  const auto child = cache.fork(parent, 37).value();
  ASSERT_EQ(child.blocks.size(), 3U);
  EXPECT_EQ(child.length, 37);
  EXPECT_EQ(child.blocks[0], parent.blocks[0]);
  EXPECT_EQ(child.blocks[1], parent.blocks[1]);
  EXPECT_NE(child.blocks[2], parent.blocks[2]);
  EXPECT_EQ(cache.keys(child.blocks[2], 1)[5], 2.0F);
  EXPECT_EQ(cache.num_free(), 6);
  EXPECT_EQ(cache.num_own_blocks(child), 1);
}

TEST(KvCache, ForksAtAnyTokenAndFreesEverythingInAnyOrder) {
  for (int64_t at = 0; at <= 48; ++at) {
    KvCache cache({1, 1, 2}, 8);
    CachedSequence parent;
    ASSERT_TRUE(cache.reserve(parent, 48));
    parent.length = 48;
    auto child = cache.fork(parent, at).value();
    EXPECT_EQ(static_cast<int64_t>(child.blocks.size()), KvCache::blocks_for(at));
    cache.release(parent);
    EXPECT_EQ(cache.num_free(), 8 - KvCache::blocks_for(at));
    cache.release(child);
    EXPECT_EQ(cache.num_free(), 8);
  }
}

TEST(KvCache, ExhaustionChangesNothing) {
  KvCache cache({1, 1, 2}, 3);
  CachedSequence sequence;
  ASSERT_TRUE(cache.reserve(sequence, 30));
  sequence.length = 30;
  EXPECT_FALSE(cache.reserve(sequence, 50));
  EXPECT_EQ(sequence.blocks.size(), 2U);
  EXPECT_EQ(cache.num_free(), 1);
  ASSERT_TRUE(cache.reserve(sequence, 48));
  EXPECT_FALSE(cache.fork(sequence, 30).has_value());
  EXPECT_TRUE(cache.fork(sequence, 16).has_value());
}

TEST(KvCache, TakesAForkBehindTheEndForABug) {
  KvCache cache({1, 1, 2}, 3);
  CachedSequence sequence;
  ASSERT_TRUE(cache.reserve(sequence, 30));
  sequence.length = 10;
  EXPECT_THROW((void)cache.fork(sequence, 11), core::Error);
}

}  // namespace
}  // namespace srpo::engine
