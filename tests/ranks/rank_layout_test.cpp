#include "ranks/rank_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace srpo::ranks {
namespace {

using testing::ElementsAre;

TEST(RankLayout, GivesOneRoleARankInRoleOrder) {
  const auto layout = RankLayout::plan({1, 2, 1, 1, 2}, 7);
  EXPECT_THAT(layout.generators, ElementsAre(1, 2));
  EXPECT_THAT(layout.localizers, ElementsAre(3));
  EXPECT_THAT(layout.verifiers, ElementsAre(4));
  EXPECT_THAT(layout.learners, ElementsAre(5, 6));
  EXPECT_EQ(layout.role_of(0), "scheduler");
  EXPECT_EQ(layout.role_of(6), "learner");
}

TEST(RankLayout, RefusesAnotherNumberOfRanks) {
  for (const int size : {1, 6, 8}) {
    EXPECT_THROW(RankLayout::plan({1, 2, 1, 1, 2}, size), core::Error) << size;
  }
}

TEST(RankLayout, LeavesTheLastRanksAsSpares) {
  RoleCounts counts{1, 2, 1, 1, 2};
  counts.spares = 2;
  const auto layout = RankLayout::plan(counts, 9);
  EXPECT_THAT(layout.learners, ElementsAre(5, 6));
  EXPECT_THAT(layout.spares, ElementsAre(7, 8));
  EXPECT_EQ(layout.num_slots(), 7);
  EXPECT_EQ(layout.role_of(8), "spare");
  EXPECT_THROW(RankLayout::plan(counts, 7), core::Error);
}

TEST(RankLayout, LeavesSparesBesideRolesThatItChooses) {
  RoleCounts counts;
  counts.spares = 1;
  const auto layout = RankLayout::plan(counts, 4);
  EXPECT_THAT(layout.generators, ElementsAre(1, 2));
  EXPECT_THAT(layout.spares, ElementsAre(3));
  EXPECT_THROW(RankLayout::plan(counts, 1), core::Error);
}

TEST(RankLayout, FillsAnyNumberOfRanksWithEveryRole) {
  for (int size = 1; size <= 64; ++size) {
    const auto layout = RankLayout::plan({}, size);
    EXPECT_FALSE(layout.generators.empty()) << size;
    EXPECT_FALSE(layout.localizers.empty()) << size;
    EXPECT_FALSE(layout.verifiers.empty()) << size;
    EXPECT_FALSE(layout.learners.empty()) << size;
    for (int rank = 0; rank < size; ++rank) EXPECT_NE(layout.role_of(rank), "") << rank;
  }
}

}  // namespace
}  // namespace srpo::ranks
