// Calls and the ways to wait for them, on every transport.
#include <memory>

#include "transport_case.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using testing_support::TransportCase;

class Desk : public Actor {
 public:
  explicit Desk(Runtime& runtime) : runtime_(runtime) {}

  int64_t add(int64_t amount) { return total_ += amount; }
  std::string shout(const std::string& text) { return text + "!"; }
  std::vector<int32_t> doubled(std::vector<int32_t> values) {
    for (int32_t& value : values) value *= 2;
    return values;
  }
  int32_t rank() { return runtime_.rank(); }
  core::Buffer echo(core::Buffer bytes) { return bytes; }
  /// Answers after a while.
  Task<int64_t> later(int64_t milliseconds, int64_t value) {
    co_await runtime_.sleep_for(std::chrono::milliseconds(milliseconds));
    co_return value;
  }
  /// Asks the next rank, which asks the next one: a chain through coroutines.
  Task<int64_t> count_down(int64_t left) {
    if (left == 0) co_return 0;
    const auto next =
        runtime_.find<Desk>((runtime_.rank() + 1) % runtime_.size(), "desk");
    const auto below = co_await next.call<&Desk::count_down>(left - 1);
    if (!below) throw core::Error(below.error().cause, below.error().message);
    co_return 1 + CallResult<int64_t>(below).value();
  }
  void wait_for_total(int64_t total, Reply<int64_t> reply) { reply(total + total_); }

  using Methods =
      MethodList<&Desk::add, &Desk::shout, &Desk::doubled, &Desk::rank, &Desk::echo,
                 &Desk::later, method<&Desk::count_down>({.concurrency = 64}),
                 &Desk::wait_for_total>;

 private:
  Runtime& runtime_;
  int64_t total_ = 0;
};

void host_desk(Runtime& runtime) {
  runtime.host("desk", std::make_unique<Desk>(runtime));
}

Group<Desk> desks(Runtime& runtime) {
  std::vector<Handle<Desk>> members;
  for (int rank = 0; rank < runtime.size(); ++rank)
    members.push_back(runtime.find<Desk>(rank, "desk"));
  return Group<Desk>(members);
}

class Calls : public TransportCase {};

TEST_P(Calls, CarryValuesOfEveryKindThereAndBack) {
  run(2, host_desk, [](Runtime& runtime) -> Task<> {
    const auto desk = runtime.find<Desk>(1, "desk");
    EXPECT_EQ((co_await desk.call<&Desk::add>(5)).value(), 5);
    EXPECT_EQ((co_await desk.call<&Desk::shout>("hello")).value(), "hello!");
    for (const size_t size : {size_t{0}, size_t{1}, size_t{100'000}}) {
      const std::vector<int32_t> values(size, 21);
      EXPECT_EQ((co_await desk.call<&Desk::doubled>(values)).value(),
                std::vector<int32_t>(size, 42));
    }
    EXPECT_EQ((co_await desk.call<&Desk::wait_for_total>(1)).value(), 6);
  });
}

TEST_P(Calls, ReachTheOwnRank) {
  run(1, host_desk, [](Runtime& runtime) -> Task<> {
    const auto desk = runtime.find<Desk>(0, "desk");
    EXPECT_EQ((co_await desk.call<&Desk::add>(5)).value(), 5);
    EXPECT_EQ((co_await desk.call<&Desk::count_down>(20)).value(), 20);
  });
}

TEST_P(Calls, WaitForOtherCallsInsideMethods) {
  run(3, host_desk, [](Runtime& runtime) -> Task<> {
    const auto desk = runtime.find<Desk>(1, "desk");
    EXPECT_EQ((co_await desk.call<&Desk::count_down>(30)).value(), 30);
  });
}

TEST_P(Calls, OfWhichAllAreAwaitedComeInOrder) {
  run(2, host_desk, [](Runtime& runtime) -> Task<> {
    const auto desk = runtime.find<Desk>(1, "desk");
    std::vector<Future<int64_t>> futures;
    for (int i = 0; i < 50; ++i) futures.push_back(desk.call<&Desk::add>(1));
    futures.push_back(runtime.find<Desk>(1, "nobody").call<&Desk::add>(1));
    auto results = (co_await when_all(futures)).value();
    EXPECT_EQ(results.size(), 51u);
    for (int i = 0; i < 50; ++i) EXPECT_EQ(results[i].value(), i + 1);
    EXPECT_FALSE(results[50].has_value());
    EXPECT_TRUE((co_await when_all(std::vector<Future<int64_t>>{})).value().empty());
  });
}

TEST_P(Calls, OfDifferentTypesAreAwaitedTogether) {
  run(2, host_desk, [](Runtime& runtime) -> Task<> {
    const auto desk = runtime.find<Desk>(1, "desk");
    auto results = (co_await when_all(desk.call<&Desk::add>(7),
                                      desk.call<&Desk::shout>(std::string("a"))))
                       .value();
    EXPECT_EQ(std::get<0>(results).value(), 7);
    EXPECT_EQ(std::get<1>(results).value(), "a!");
  });
}

TEST_P(Calls, OfWhichTheFirstIsAwaitedSayWhoseItIs) {
  run(3, host_desk, [](Runtime& runtime) -> Task<> {
    std::vector<Future<int64_t>> futures = {
        runtime.find<Desk>(1, "desk").call<&Desk::later>(200, 1),
        runtime.find<Desk>(2, "desk").call<&Desk::later>(1, 2)};
    auto first = (co_await when_any(futures)).value();
    EXPECT_EQ(first.index, 1u);
    EXPECT_EQ(first.result.value(), 2);
  });
}

TEST_P(Calls, ThatAreNotThereInTimeGoOn) {
  run(2, host_desk, [](Runtime& runtime) -> Task<> {
    const auto slow = runtime.find<Desk>(1, "desk").call<&Desk::later>(400, 9);
    const auto early = co_await runtime.wait_for(slow, 5ms);
    EXPECT_FALSE(early.has_value());
    EXPECT_EQ(early.error().kind, CallError::Kind::kTimeout);
    EXPECT_EQ((co_await runtime.wait_for(slow, 10s)).value(), 9);
  });
}

TEST_P(Calls, WithoutAnAnswerAreReceivedBeforeLaterOnes) {
  run(2, host_desk, [](Runtime& runtime) -> Task<> {
    const auto desk = runtime.find<Desk>(1, "desk");
    for (int i = 0; i < 200; ++i) desk.tell<&Desk::add>(1);
    EXPECT_EQ((co_await desk.call<&Desk::add>(0)).value(), 200);
  });
}

TEST_P(Calls, ToAGroupReachEveryMember) {
  run(4, host_desk, [](Runtime& runtime) -> Task<> {
    auto ranks = (co_await desks(runtime).broadcast<&Desk::rank>()).value();
    EXPECT_EQ(ranks.size(), 4u);
    for (int rank = 0; rank < 4; ++rank) EXPECT_EQ(ranks[rank].value(), rank);
  });
}

TEST_P(Calls, ArePlacedByTheGroupsPolicy) {
  run(4, host_desk, [](Runtime& runtime) -> Task<> {
    const auto group = desks(runtime);
    for (int i = 0; i < 8; ++i) EXPECT_EQ(group.pick(Pick::kRoundRobin).rank(), i % 4);
    std::vector<Future<int64_t>> busy;
    for (const int rank : {0, 0, 1, 3})
      busy.push_back(group[static_cast<size_t>(rank)].call<&Desk::later>(5, 1));
    EXPECT_EQ(group.pick(Pick::kLeastLoaded).rank(), 2);
    co_await when_all(busy);
    EXPECT_EQ(group.pick(Pick::kLeastLoaded).rank(), 0);
    std::vector<int> hits(4);
    for (uint64_t key = 0; key < 400; ++key) {
      EXPECT_EQ(group.pick_by_key(key).rank(), group.pick_by_key(key).rank());
      ++hits[static_cast<size_t>(group.pick_by_key(key).rank())];
    }
    for (const int hit : hits) EXPECT_GT(hit, 50);
  });
}

TEST_P(Calls, OfOneCallerKeepTheirOrder) {
  run(2, host_desk, [](Runtime& runtime) -> Task<> {
    const auto desk = runtime.find<Desk>(1, "desk");
    std::vector<Future<int64_t>> futures;
    for (int i = 0; i < 500; ++i) futures.push_back(desk.call<&Desk::add>(1));
    auto results = (co_await when_all(futures)).value();
    for (int i = 0; i < 500; ++i) EXPECT_EQ(results[i].value(), i + 1);
  });
}

TEST_P(Calls, ToNobodySayThatTheyDidNotRun) {
  run(2, host_desk, [](Runtime& runtime) -> Task<> {
    const auto nobody = co_await runtime.find<Desk>(1, "nobody").call<&Desk::add>(1);
    EXPECT_EQ(nobody.error().kind, CallError::Kind::kNotSent);
    const auto far = co_await runtime.find<Desk>(77, "desk").call<&Desk::add>(1);
    EXPECT_EQ(far.error().kind, CallError::Kind::kNotSent);
    EXPECT_EQ(runtime.find<Desk>(77, "desk").load(), 0u);
    EXPECT_FALSE(runtime.find<Desk>(77, "desk").is_up());
  });
}

ON_EVERY_TRANSPORT(Calls);

}  // namespace
}  // namespace srpo::actors
