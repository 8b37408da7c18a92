#include "storage/key_set.h"

#include <set>

#include <gtest/gtest.h>

#include "core/random.h"

namespace srpo::storage {
namespace {

TEST(KeySet, AgreesWithAPlainSetInAnyOrder) {
  core::Rng rng(1, core::Purpose::kTest, 0);
  KeySet keys;
  std::set<TreeKey> expected;
  for (int i = 0; i < 20000; ++i) {
    const TreeKey key = {static_cast<uint32_t>(rng.below(20)),
                         static_cast<uint32_t>(rng.below(300)), rng.below(2) == 0};
    EXPECT_EQ(keys.contains(key), expected.contains(key));
    EXPECT_EQ(keys.insert(key), expected.insert(key).second);
  }
  EXPECT_EQ(keys.size(), expected.size());
  EXPECT_FALSE(keys.contains({21, 0, false}));
}

TEST(KeySet, TakesOneRangeForAWholeStep) {
  KeySet keys;
  for (uint32_t slot = 0; slot < 1000; slot += 2) keys.insert({3, slot, false});
  EXPECT_EQ(keys.num_ranges(), 500U);
  for (uint32_t slot = 1; slot < 1000; slot += 2) keys.insert({3, slot, false});
  EXPECT_EQ(keys.num_ranges(), 1U);
  keys.insert({3, ~uint32_t{0}, false});
  keys.insert({3, 0, true});
  keys.insert({4, 0, false});
  EXPECT_EQ(keys.num_ranges(), 4U);
  EXPECT_EQ(keys.size(), 1003U);
}

}  // namespace
}  // namespace srpo::storage
