#include "actors/control/heartbeat.h"

#include <gtest/gtest.h>

#include "actors/control/clock_offset.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using Kind = HeartbeatFinding::Kind;

/// Peer 3 is watched from the beginning of time; checks every 250 ms.
class HeartbeatTest : public testing::Test {
 protected:
  HeartbeatTest() { watch_.add(3, now_); }

  std::vector<HeartbeatFinding> pass(std::chrono::milliseconds time, bool beats,
                                     bool moves = true) {
    std::vector<HeartbeatFinding> all;
    for (const auto end = now_ + time; now_ < end;) {
      now_ += 250ms;
      if (moves) ++progress_;
      if (beats) watch_.on_beat(3, progress_, moves ? "" : "a loop", now_);
      for (const auto& finding : watch_.check(now_)) all.push_back(finding);
    }
    return all;
  }

  core::Clock::time_point now_{1h};
  uint64_t progress_ = 1;
  HeartbeatWatch watch_{HeartbeatLimits{}};
};

TEST_F(HeartbeatTest, FindsNothingWhileItBeats) {
  EXPECT_TRUE(pass(10min, true).empty());
  EXPECT_TRUE(watch_.suspects().empty());
}

TEST_F(HeartbeatTest, SuspectsASilentPeerAndThenDeclaresItDeadOnce) {
  const auto findings = pass(60s, false);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].kind, Kind::kSilent);
  EXPECT_EQ(findings[0].text, "it is silent for 5.0 s");
  EXPECT_EQ(findings[1].kind, Kind::kDead);
  EXPECT_EQ(findings[1].text, "it was silent for 15.0 s");
}

TEST_F(HeartbeatTest, TakesTheSuspicionBackWhenThePeerIsHeardAgain) {
  pass(7s, false);
  EXPECT_EQ(watch_.suspects().count(3), 1u);
  const auto findings = pass(1s, true);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kWell);
  EXPECT_TRUE(watch_.suspects().empty());
}

TEST_F(HeartbeatTest, ReportsAStuckReactorWithWhereItIsAndLetsItLive) {
  const auto findings = pass(5min, true, false);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, Kind::kStuck);
  EXPECT_NE(findings[0].text.find("it is in a loop"), std::string::npos);
  EXPECT_EQ(pass(1s, true).front().kind, Kind::kWell);
}

TEST_F(HeartbeatTest, DeclaresAStuckReactorDeadWhereThatIsAskedFor) {
  HeartbeatLimits limits;
  limits.stuck_is_dead = true;
  watch_ = HeartbeatWatch(limits);
  watch_.add(3, now_);
  const auto findings = pass(5min, true, false);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[1].kind, Kind::kDead);
}

TEST_F(HeartbeatTest, DoesNotWatchAReactorThatHasNotBegun) {
  progress_ = 0;
  EXPECT_TRUE(pass(5min, true, false).empty());
}

TEST_F(HeartbeatTest, DoesNotCountTimeInWhichTheWatcherItselfWasStopped) {
  pass(1s, true);
  now_ += 1h;
  EXPECT_TRUE(watch_.check(now_).empty());
  EXPECT_TRUE(pass(4s, false).empty());
  EXPECT_EQ(pass(20s, false).size(), 2u);
}

TEST(ClockOffset, IsExactWhenBothWaysTakeTheSameTime) {
  ClockOffset clock;
  EXPECT_FALSE(clock.is_known());
  clock.add(1'000, 51'500, 51'600, 2'100);  // 500 there, 100 at the other, 500 back
  EXPECT_EQ(clock.offset(), 50'000ns);
  EXPECT_EQ(clock.round_trip(), 1'000ns);
}

TEST(ClockOffset, PrefersTheFastestPingUntilItIsOld) {
  ClockOffset clock;
  clock.add(0, 1'000'500, 1'000'500, 1'000);
  clock.add(10'000, 1'030'000, 1'030'000, 100'000);  // slow on the way back
  EXPECT_EQ(clock.offset(), 1'000'000ns);
  // An hour later the clocks have drifted apart, and a slower ping tells more.
  constexpr int64_t kHour = 3'600'000'000'000;
  clock.add(kHour, kHour + 2'005'000, kHour + 2'005'000, kHour + 10'000);
  EXPECT_EQ(clock.offset(), 2'000'000ns);
}

TEST(ClockOffset, IgnoresAPingThatEndsBeforeItBegins) {
  ClockOffset clock;
  clock.add(100, 0, 1'000, 200);
  EXPECT_FALSE(clock.is_known());
}

}  // namespace
}  // namespace srpo::actors
