#include "actors/supervision/supervisor.h"

#include <gtest/gtest.h>

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using Time = Supervisor::Time;

ActorSpec workers(Supervision supervision, std::vector<int32_t> slots = {1, 2}) {
  ActorSpec spec;
  spec.name = "worker";
  spec.slots = std::move(slots);
  spec.supervision = supervision;
  return spec;
}

template <class T>
const T* find(const Supervisor::Actions& actions) {
  for (const auto& action : actions) {
    if (const T* found = std::get_if<T>(&action)) return found;
  }
  return nullptr;
}

template <class T>
size_t count(const Supervisor::Actions& actions) {
  size_t number = 0;
  for (const auto& action : actions) number += std::holds_alternative<T>(action) ? 1 : 0;
  return number;
}

TEST(Supervisor, PromotesASpareAndAnnouncesItWhenItsActorsAreMade) {
  Supervisor supervisor(3, 4, false);
  supervisor.add(workers(Supervision::one_for_one()));
  const auto lost = supervisor.on_lost(2, "killed", Time(1s));
  EXPECT_EQ(find<supervise::Fence>(lost)->process, 2);
  EXPECT_TRUE(find<supervise::AnnounceLost>(lost)->will_be_filled);
  const auto* fill = find<supervise::Fill>(lost);
  ASSERT_NE(fill, nullptr);
  EXPECT_EQ(fill->slot, 2);
  EXPECT_EQ(fill->process, 3);
  EXPECT_EQ(fill->incarnation, 2u);
  ASSERT_EQ(fill->specs.size(), 1u);
  const auto filled = supervisor.on_started(2, 2, true, "", Time(1s));
  EXPECT_EQ(find<supervise::AnnounceFilled>(filled)->process, 3);
  EXPECT_EQ(supervisor.num_spares(), 0u);
}

TEST(Supervisor, StartsAProcessWhenNoSpareIsLeft) {
  Supervisor supervisor(3, 3, true);
  supervisor.add(workers(Supervision::one_for_one()));
  const auto lost = supervisor.on_lost(1, "killed", Time(1s));
  EXPECT_EQ(find<supervise::SpawnProcess>(lost)->slot, 1);
  const auto joined = supervisor.on_joined(3, Time(2s));
  EXPECT_EQ(find<supervise::Fill>(joined)->process, 3);
}

TEST(Supervisor, GivesUpWhenTheBudgetIsSpentWithoutASpawnStorm) {
  Supervisor supervisor(3, 3, true);
  Supervision rule = Supervision::one_for_one();
  rule.max_restarts = 2;
  supervisor.add(workers(rule));
  supervisor.on_lost(1, "killed", Time(1s));
  EXPECT_EQ(count<supervise::SpawnProcess>(supervisor.on_spawn_failed(1, "no", Time(2s))),
            1u);
  const auto spent = supervisor.on_spawn_failed(1, "no", Time(3s));
  EXPECT_EQ(count<supervise::SpawnProcess>(spent), 0u);
  EXPECT_FALSE(find<supervise::AnnounceLost>(spent)->will_be_filled);
  EXPECT_EQ(find<supervise::Leave>(spent), nullptr) << "one worker is left";
  const auto last = supervisor.on_lost(2, "killed", Time(4s));
  EXPECT_EQ(find<supervise::Leave>(last)->exit_code, 75) << "nobody is left";
}

TEST(Supervisor, ForgetsOldRestarts) {
  Supervisor supervisor(2, 9, false);
  Supervision rule = Supervision::one_for_one();
  rule.max_restarts = 1;
  rule.within_seconds = 10;
  supervisor.add(workers(rule, {1}));
  int process = 1;
  for (int i = 0; i < 5; ++i) {
    const auto actions =
        supervisor.on_lost(process, "killed", Time(std::chrono::seconds(20 * i)));
    const auto* fill = find<supervise::Fill>(actions);
    ASSERT_NE(fill, nullptr) << i;
    process = fill->process;
    supervisor.on_started(1, fill->incarnation, true, "",
                          Time(std::chrono::seconds(20 * i)));
  }
}

TEST(Supervisor, DoesNotCountLossesThatWereACallsDoing) {
  Supervisor supervisor(2, 9, false);
  Supervision rule = Supervision::one_for_one();
  rule.max_restarts = 3;
  supervisor.add(workers(rule, {1}));
  int process = 1;
  for (int i = 0; i < 3; ++i) {
    const auto actions = supervisor.on_lost(process, "killed", Time(1s));
    process = find<supervise::Fill>(actions)->process;
    supervisor.on_started(1, find<supervise::Fill>(actions)->incarnation, true, "",
                          Time(1s));
  }
  supervisor.forgive(1, 3);
  EXPECT_NE(find<supervise::Fill>(supervisor.on_lost(process, "killed", Time(2s))),
            nullptr);
}

TEST(Supervisor, MakesAllOfAGroupAgain) {
  Supervisor supervisor(4, 5, false);
  supervisor.add(workers(Supervision::one_for_all(), {1, 2, 3}));
  supervisor.on_lost(2, "killed", Time(1s));
  const auto filled = supervisor.on_started(2, 2, true, "", Time(1s));
  EXPECT_EQ(count<supervise::Restart>(filled), 2u);
}

TEST(Supervisor, UsesUpAProcessOnWhichAConstructorThrows) {
  Supervisor supervisor(2, 4, false);
  supervisor.add(workers(Supervision::one_for_one(), {1}));
  supervisor.on_lost(1, "killed", Time(1s));
  const auto again = supervisor.on_started(1, 2, false, "no memory", Time(1s));
  EXPECT_EQ(find<supervise::Fence>(again)->process, 2);
  EXPECT_EQ(find<supervise::Fill>(again)->process, 3);
  EXPECT_EQ(find<supervise::Fill>(again)->incarnation, 3u);
  EXPECT_TRUE(supervisor.on_started(1, 2, true, "", Time(1s)).empty()) << "too late";
}

TEST(Supervisor, LosesUnsupervisedActorsForGood) {
  Supervisor supervisor(3, 4, true);
  supervisor.add(workers(Supervision::none()));
  const auto lost = supervisor.on_lost(1, "killed", Time(1s));
  EXPECT_FALSE(find<supervise::AnnounceLost>(lost)->will_be_filled);
  EXPECT_EQ(find<supervise::Leave>(lost), nullptr);
}

TEST(Supervisor, EndsTheJobWhenTheRuleSaysSo) {
  Supervisor supervisor(3, 9, false);
  Supervision rule = Supervision::one_for_one();
  rule.max_restarts = 0;
  rule.when_spent = Supervision::WhenSpent::kStop;
  supervisor.add(workers(rule));
  EXPECT_EQ(find<supervise::Leave>(supervisor.on_lost(1, "killed", Time(1s)))->exit_code,
            75);
}

}  // namespace
}  // namespace srpo::actors
