#include "scheduler/role_pool.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace srpo::scheduler {
namespace {

using records::DrawKind;
using records::TrajectoryId;
using std::chrono::seconds;

TrajectoryId id_of(uint32_t slot, uint16_t index = 0) {
  return {0, slot, DrawKind::kFresh, index};
}

/// A pool with a clock and the assignments it has made.
class PoolTest : public testing::Test {
 protected:
  RolePool& make(uint32_t workers, uint32_t slots = 0, Time floor = seconds(60)) {
    return pool_.emplace(Role::kGenerator, PoolConfig{workers, slots, floor});
  }
  void submit(const TrajectoryId& id, std::optional<uint32_t> prefer = {},
              int32_t priority = 0) {
    pool_->submit({id, 10, priority, prefer, 8}, now_, out_);
  }
  RolePool::Answer finish(const TrajectoryId& id, uint32_t worker) {
    twins_.clear();
    return pool_->finish(id, worker, now_, twins_, out_);
  }
  /// Where the newest assignment of a piece went.
  std::optional<uint32_t> worker_of(const TrajectoryId& id) const {
    for (auto at = out_.rbegin(); at != out_.rend(); ++at) {
      if (at->id == id) return at->worker;
    }
    return std::nullopt;
  }

  std::optional<RolePool> pool_;
  Time now_ = seconds(1000);
  std::vector<Assignment> out_;
  std::vector<uint32_t> twins_;
};

TEST_F(PoolTest, FollowsTheCacheUntilItsWorkerIsOverloadedOrGone) {
  make(3);
  for (uint32_t i = 0; i < 9; ++i) submit(id_of(i), 2);
  for (uint32_t i = 0; i < 9; ++i) EXPECT_EQ(worker_of(id_of(i)), 2u);
  submit(id_of(9), 2);
  EXPECT_NE(worker_of(id_of(9)), 2u) << "it holds nine more than the others";
  pool_->lose(2, now_, out_);
  submit(id_of(10), 2);
  EXPECT_NE(worker_of(id_of(10)), 2u);
}

TEST_F(PoolTest, GivesLostWorkToOthersAndRefusesTheLateAnswer) {
  make(2);
  submit(id_of(0));
  const uint32_t first = *worker_of(id_of(0));
  EXPECT_TRUE(pool_->lose(first, now_, out_).empty());
  EXPECT_EQ(worker_of(id_of(0)), 1 - first);
  EXPECT_EQ(finish(id_of(0), first), RolePool::Answer::kLate);
  EXPECT_EQ(finish(id_of(0), 1 - first), RolePool::Answer::kAccepted);
  EXPECT_EQ(finish(id_of(0), 1 - first), RolePool::Answer::kLate);
  EXPECT_EQ(pool_->happenings().retries, 1u);
  EXPECT_EQ(pool_->happenings().late_answers, 2u);
}

TEST_F(PoolTest, AsksAgainOnceWhenASequenceTakesThreeTimesAsLongAsItsLike) {
  make(4);
  for (uint32_t i = 0; i < 40; ++i) submit(id_of(i));
  now_ += seconds(100);
  for (uint32_t i = 1; i < 40; ++i) finish(id_of(i), *worker_of(id_of(i)));
  const uint32_t slow = *worker_of(id_of(0));
  now_ = seconds(1299);
  pool_->expire(now_, out_);
  EXPECT_EQ(pool_->happenings().hedges, 0u) << "299 s of 300";
  now_ = seconds(1400);
  pool_->expire(now_, out_);
  ASSERT_EQ(pool_->happenings().hedges, 1u);
  const uint32_t twin = *worker_of(id_of(0));
  EXPECT_NE(twin, slow);
  now_ = seconds(9000);
  pool_->expire(now_, out_);
  EXPECT_EQ(pool_->happenings().hedges, 1u) << "only once";
  EXPECT_EQ(finish(id_of(0), twin), RolePool::Answer::kAccepted);
  EXPECT_EQ(twins_, std::vector<uint32_t>{slow}) << "the other is told to stop";
  EXPECT_EQ(finish(id_of(0), slow), RolePool::Answer::kLate);
  EXPECT_EQ(pool_->happenings().hedges_won, 1u);
  EXPECT_EQ(pool_->happenings().late_answers, 1u);
}

TEST_F(PoolTest, NeverAsksTwiceBeforeTheFloorOrWithoutAnotherWorker) {
  make(1, 0, seconds(10));
  for (uint32_t i = 0; i < 30; ++i) submit(id_of(i));
  now_ += std::chrono::milliseconds(1);
  for (uint32_t i = 1; i < 30; ++i) finish(id_of(i), 0);
  now_ += seconds(1000);
  pool_->expire(now_, out_);
  EXPECT_EQ(pool_->happenings().hedges, 0u);
  EXPECT_GT(*pool_->next_deadline(), now_);
}

TEST_F(PoolTest, KeepsATwinThatGoesOnWhenTheOtherFails) {
  make(2, 0, seconds(1));
  for (uint32_t i = 0; i < 30; ++i) submit(id_of(i));
  now_ += std::chrono::milliseconds(100);
  for (uint32_t i = 1; i < 30; ++i) finish(id_of(i), *worker_of(id_of(i)));
  const uint32_t first = *worker_of(id_of(0));
  for (int i = 0; i < 4; ++i) {
    now_ += seconds(2);
    pool_->expire(now_, out_);
  }
  ASSERT_EQ(pool_->happenings().hedges, 1u);
  EXPECT_FALSE(pool_->fail(id_of(0), first, now_, out_).has_value());
  EXPECT_EQ(pool_->happenings().retries, 0u);
  EXPECT_EQ(finish(id_of(0), 1 - first), RolePool::Answer::kAccepted);
}

TEST_F(PoolTest, GivesUpAfterThreeFailuresOnTwoWorkersAndBlamesNone) {
  make(3);
  submit(id_of(0));
  std::optional<Poisoned> poisoned;
  std::vector<uint32_t> where;
  while (!poisoned) {
    where.push_back(*worker_of(id_of(0)));
    poisoned = pool_->fail(id_of(0), where.back(), now_, out_);
    ASSERT_LE(where.size(), 3u);
  }
  EXPECT_EQ(poisoned->workers, where);
  EXPECT_EQ(where.size(), 3u);
  EXPECT_NE(where[0], where[1]);
  for (uint32_t worker = 0; worker < 3; ++worker)
    EXPECT_EQ(pool_->failures_of(worker), 0u);
  EXPECT_EQ(pool_->num_pieces(), 0u);
}

TEST_F(PoolTest, CountsOneWorkerAsAllThereAre) {
  make(1);
  submit(id_of(0));
  EXPECT_FALSE(pool_->fail(id_of(0), 0, now_, out_));
  EXPECT_FALSE(pool_->fail(id_of(0), 0, now_, out_));
  EXPECT_TRUE(pool_->fail(id_of(0), 0, now_, out_));
}

/// One piece kills every worker it is given to; eleven innocent ones travel with it.
TEST_F(PoolTest, QuarantinesTheGuiltyPieceAndNoneThatSharedItsWorkers) {
  for (const uint32_t workers : {1U, 2U, 3U, 8U}) {
    make(workers);
    for (uint32_t i = 0; i < 12; ++i) submit(id_of(i));
    std::vector<TrajectoryId> given_up;
    for (int round = 0; pool_->num_pieces() > 0; ++round) {
      ASSERT_LT(round, 100);
      for (uint32_t worker = 0; worker < workers; ++worker) {
        const auto held = pool_->held_by(worker, 99);
        const bool dies = std::find(held.begin(), held.end(), id_of(5)) != held.end();
        if (!dies) {
          for (const TrajectoryId& id : held) finish(id, worker);
          continue;
        }
        for (const auto& each : pool_->lose(worker, now_, out_))
          given_up.push_back(each.id);
        pool_->join(worker, now_, out_);
      }
    }
    EXPECT_EQ(given_up, std::vector<TrajectoryId>{id_of(5)}) << workers << " workers";
  }
}

TEST_F(PoolTest, FillsSlotsByPriorityAndKeepsTheRestWaiting) {
  make(1, 1);
  submit(id_of(0));
  submit(id_of(1), {}, 0);
  submit(id_of(2), {}, 5);
  submit(id_of(3), {}, 5);
  EXPECT_EQ(pool_->num_waiting(), 3u);
  finish(id_of(0), 0);
  EXPECT_EQ(out_.back().id, id_of(2));
  pool_->cancel(id_of(3));
  finish(id_of(2), 0);
  EXPECT_EQ(out_.back().id, id_of(1));
  EXPECT_EQ(pool_->num_waiting(), 0u);
}

TEST_F(PoolTest, WaitsForAWorkerWhenAllAreLost) {
  make(1);
  submit(id_of(0));
  pool_->lose(0, now_, out_);
  EXPECT_EQ(pool_->num_waiting(), 1u);
  out_.clear();
  pool_->join(7, now_, out_);
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_EQ(out_[0].worker, 7u);
}

TEST_F(PoolTest, LearnsThatAWorkerIsSlow) {
  make(4, 0, Time(0));
  for (uint32_t round = 0; round < 200; ++round) {
    std::vector<std::pair<TrajectoryId, uint32_t>> given;
    out_.clear();
    for (uint16_t i = 0; i < 4; ++i) submit(id_of(round, i));
    for (const auto& each : out_) given.emplace_back(each.id, each.worker);
    now_ += seconds(1);
    for (const auto& [id, worker] : given) {
      if (worker != 3) finish(id, worker);
    }
    now_ += seconds(9);
    for (const auto& [id, worker] : given) {
      if (worker == 3) finish(id, worker);
    }
  }
  EXPECT_GT(pool_->placement().slowness(3), 2.0);
  EXPECT_EQ(pool_->placement().slowness(0), 1.0);
}

TEST_F(PoolTest, CountsAVerifierAsBusyUntilItHasEndedWhatNobodyNeeds) {
  RolePool& pool = pool_.emplace(Role::kVerifier, PoolConfig{1, 1, seconds(60)});
  submit(id_of(0));
  pool.cancel(id_of(0));
  EXPECT_EQ(pool.placement().load(0), 1);
  EXPECT_EQ(finish(id_of(0), 0), RolePool::Answer::kLate);
  EXPECT_EQ(pool.placement().load(0), 0);
}

}  // namespace
}  // namespace srpo::scheduler
