#include <algorithm>
#include <cstdio>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/sight/rank_services.h"
#include "actors/sight/trace_file.h"
#include "actors/wire/local_transport.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

class Echo : public Actor {
 public:
  int64_t echo(int64_t value) { return value; }
  Task<int64_t> through(Handle<Echo> other, int64_t value) {
    auto answer = co_await other.call<&Echo::echo>(value);
    co_return answer.value();
  }
  using Methods = MethodList<&Echo::echo, &Echo::through>;
};

struct Rank {
  Rank(LocalNetwork& network, int rank, size_t events,
       std::chrono::nanoseconds report_every)
      : transport(network, rank),
        runtime(transport, {.trace_events = events, .report_every = report_every}) {
    runtime.host("echo", echo);
  }
  LocalTransport transport;
  Echo echo;
  Runtime runtime;
};

struct Pair {
  explicit Pair(size_t events, std::chrono::nanoseconds report_every = 1s)
      : here(network, 0, events, report_every), there(network, 1, events, report_every) {}
  template <class R>
  R wait(const Future<R>& future) {
    while (!future.is_ready()) {
      here.runtime.poll();
      there.runtime.poll();
    }
    return std::move(future.result().value());
  }
  LocalNetwork network{2};
  Rank here;
  Rank there;
};

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST(Trace, LinksCallersAndCalleesAcrossRanks) {
  Pair pair(10000);
  const auto there = pair.here.runtime.find<Echo>(1, "echo");
  const auto back = pair.there.runtime.find<Echo>(0, "echo");
  for (int64_t i = 0; i < 10; ++i)
    EXPECT_EQ(pair.wait(there.call<&Echo::through>(back, i)), i);
  const auto traces = pair.wait(
      pair.here.runtime.start("collect", collect_traces(pair.here.runtime, 10s)));
  ASSERT_EQ(traces.size(), 2u);
  for (const RankTrace& trace : traces) {
    EXPECT_EQ(trace.dropped, 0u);
    EXPECT_TRUE(std::is_sorted(
        trace.events.begin(), trace.events.end(),
        [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; }));
  }
  EXPECT_LT(std::abs(traces[1].clock_offset_ns), 1000000000);  // one clock here
  const std::string json = trace_json(traces);
  EXPECT_EQ(count(json, "\"ph\":\"s\""), count(json, "\"ph\":\"f\""));
  EXPECT_GE(count(json, "\"ph\":\"s\""), 40u);  // 20 calls there and back
  EXPECT_EQ(count(json, "\"ph\":\"B\""), count(json, "\"ph\":\"E\""));
  EXPECT_EQ(count(json, "\"ph\":\"b\""), count(json, "\"ph\":\"e\""));
  EXPECT_EQ(count(json, "\"name\":\"call Echo::through\""), 10u);
}

TEST(Trace, KeepsTheLastEventsAndSaysHowManyItDropped) {
  Pair pair(100);
  const auto there = pair.here.runtime.find<Echo>(1, "echo");
  for (int64_t i = 0; i < 200; ++i) pair.wait(there.call<&Echo::echo>(i));
  const RankTrace trace = pair.here.runtime.trace().take();
  EXPECT_EQ(trace.events.size(), 100u);
  EXPECT_EQ(trace.dropped, 300u);
  EXPECT_TRUE(
      std::is_sorted(trace.events.begin(), trace.events.end(),
                     [](const auto& a, const auto& b) { return a.time_ns < b.time_ns; }));
  const std::string json = trace_json({trace, pair.there.runtime.trace().take()});
  EXPECT_EQ(count(json, "\"ph\":\"s\""), count(json, "\"ph\":\"f\""));
  EXPECT_EQ(count(json, "\"ph\":\"b\""), count(json, "\"ph\":\"e\""));
  EXPECT_TRUE(pair.here.runtime.trace().take().events.empty());
}

TEST(Trace, IsOffUntilItIsAskedFor) {
  Pair pair(0);
  const auto there = pair.here.runtime.find<Echo>(1, "echo");
  pair.wait(there.call<&Echo::echo>(int64_t{1}));
  EXPECT_TRUE(pair.there.runtime.trace().take().events.empty());
  const auto services = pair.here.runtime.find<RankServices>(1, kServicesName);
  pair.wait(services.call<&RankServices::start_trace>(uint64_t{1000}));
  pair.wait(there.call<&Echo::echo>(int64_t{1}));
  EXPECT_GE(pair.there.runtime.trace().take().events.size(), 4u);
}

double nanoseconds_a_call(Pair& pair, int64_t calls) {
  const auto there = pair.here.runtime.find<Echo>(1, "echo");
  const core::Stopwatch watch;
  for (int64_t i = 0; i < calls; ++i) pair.wait(there.call<&Echo::echo>(i));
  return watch.seconds() * 1e9 / static_cast<double>(calls);
}

/// Prints what tracing and reports cost: two ranks in one thread, 8 bytes there and back.
TEST(Trace, CostsLittle) {
  const char* more = std::getenv("SRPO_TRACE_CALLS");
  const int64_t calls = more == nullptr ? 20000 : std::atoll(more);
  double best[3] = {1e9, 1e9, 1e9};
  for (int round = 0; round < 5; ++round) {
    Pair off(0, 0s);
    Pair reports(0, 10ms);
    Pair traced(size_t{1} << 16, 0s);
    best[0] = std::min(best[0], nanoseconds_a_call(off, calls));
    best[1] = std::min(best[1], nanoseconds_a_call(reports, calls));
    best[2] = std::min(best[2], nanoseconds_a_call(traced, calls));
  }
  std::printf(
      "round trip: %.0f ns off, %.0f ns with a report every 10 ms, %.0f ns traced\n",
      best[0], best[1], best[2]);
  EXPECT_LT(best[2], 3 * best[0] + 5000);
}

}  // namespace
}  // namespace srpo::actors
