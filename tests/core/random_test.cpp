#include "core/random.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace srpo::core {
namespace {

TEST(Philox, EqualsThePublishedVectors) {  // Random123's kat_vectors, philox4x32-10
  EXPECT_EQ(philox(0, 0, 0),
            (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, ~0ull, ~0ull),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Random, IsAPureFunctionOfItsKey) {
  EXPECT_EQ(uniform(1, Purpose::kSampling, 2, 3), uniform(1, Purpose::kSampling, 2, 3));
  EXPECT_NE(uniform(1, Purpose::kSampling, 2, 3), uniform(1, Purpose::kSampling, 2, 4));
  EXPECT_NE(uniform(1, Purpose::kSampling, 2, 3), uniform(1, Purpose::kSampling, 3, 3));
  EXPECT_NE(uniform(1, Purpose::kSampling, 2, 3), uniform(2, Purpose::kSampling, 2, 3));
  EXPECT_NE(uniform(1, Purpose::kSampling, 2, 3), uniform(1, Purpose::kDataOrder, 2, 3));
}

TEST(Random, IsUniform) {
  Rng rng(7, Purpose::kTest, 0);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100000; ++i) ++counts[rng.below(10)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

TEST(Random, ShufflesToAPermutation) {
  auto order = shuffled_order(1000, Rng(3, Purpose::kDataOrder, 1));
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
}

}  // namespace
}  // namespace srpo::core
