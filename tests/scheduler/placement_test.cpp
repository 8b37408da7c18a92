#include "scheduler/placement.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace srpo::scheduler {
namespace {

/// The slow twin: looks at every worker.
std::optional<uint32_t> slow_best(const Placement& placement,
                                  std::optional<uint32_t> not_this) {
  std::optional<uint32_t> best;
  for (uint32_t worker = 0; worker < placement.num_known(); ++worker) {
    if (!placement.is_open(worker) || worker == not_this) continue;
    if (!best || placement.cost(worker) < placement.cost(*best)) best = worker;
  }
  return best || !not_this ? best : slow_best(placement, std::nullopt);
}

TEST(Placement, PicksAsALookAtEveryWorkerWouldThroughLossesAndJoins) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    core::Rng rng(seed, core::Purpose::kTest, 1);
    Placement placement(1 + static_cast<uint32_t>(rng.below(20)));
    std::vector<uint32_t> taken;
    for (int i = 0; i < 400; ++i) {
      const auto number = static_cast<uint32_t>(rng.below(24));
      switch (rng.below(8)) {
        case 6:
          placement.close(number);
          break;
        case 7:
          placement.open(number);
          break;
        case 0:
          placement.lose(number);
          std::erase(taken, number);
          break;
        case 1:
          placement.join(number);
          break;
        case 2:
          if (placement.is_alive(number))
            placement.set_slowness(number, 1 + rng.uniform() * 3);
          break;
        case 3:
          if (!taken.empty()) {
            const size_t pick = rng.below(taken.size());
            placement.give_back(taken[pick]);
            taken.erase(taken.begin() + static_cast<long>(pick));
          }
          break;
        default:
          if (const auto best = placement.best()) {
            placement.take(*best);
            taken.push_back(*best);
          }
      }
      ASSERT_EQ(placement.best(), slow_best(placement, std::nullopt)) << "seed " << seed;
      if (placement.is_alive(number)) {
        ASSERT_EQ(placement.best_other(number), slow_best(placement, number));
      }
    }
  }
}

TEST(Placement, GivesASlowWorkerItsShare) {
  Placement placement(2);
  placement.set_slowness(1, 3);
  for (int i = 0; i < 40; ++i) placement.take(*placement.best());
  EXPECT_EQ(placement.load(0), 30);
  EXPECT_EQ(placement.load(1), 10);
}

TEST(Placement, HasNobodyWhenAllAreLost) {
  Placement placement(1);
  placement.lose(0);
  EXPECT_FALSE(placement.best().has_value());
  placement.join(0);
  EXPECT_EQ(placement.best(), 0u);
}

}  // namespace
}  // namespace srpo::scheduler
