// The end of a runtime while calls, tasks, streams and blocking work are under way:
// nothing is left over, nothing is used after it is gone. Sanitizers see what EXPECT
// cannot.
#include <thread>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/wire/local_transport.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

/// Counts the frames of coroutines that live.
struct Alive {
  explicit Alive(int& number) : count(&number) { ++*count; }
  Alive(const Alive&) = delete;
  Alive& operator=(const Alive&) = delete;
  ~Alive() { --*count; }
  int* count;
};

class Guest : public Actor {
 public:
  explicit Guest(Runtime& runtime) : runtime_(runtime) {}
  Task<int32_t> waits(int32_t depth) {
    const Alive alive(living);
    if (depth > 0) {
      const int32_t below = co_await waits(depth - 1);
      co_return below + 1;
    }
    co_await runtime_.sleep_for(1h);
    co_return 0;
  }
  Task<int32_t> waits_for(Handle<Guest> other) {
    const Alive alive(living);
    const auto reader = other.call<&Guest::counts>();
    co_await reader.next();
    const auto result = co_await other.call<&Guest::waits>(2);
    co_return result.has_value() ? 1 : 0;
  }
  Stream<int32_t> counts() {
    const Alive alive(living);
    for (int32_t i = 0;; ++i) {
      co_yield i;
      if (i == 40) co_await runtime_.sleep_for(1h);
    }
  }
  void keeps(Reply<int32_t> reply) { kept.push_back(reply); }
  int32_t add(int32_t value) { return value + 1; }

  std::vector<Reply<int32_t>> kept;
  static inline int living = 0;

  using Methods = MethodList<method<&Guest::waits>({.concurrency = 4}),
                             method<&Guest::waits_for>({.concurrency = 4}),
                             method<&Guest::counts>({.concurrency = 4}),
                             method<&Guest::keeps>({.concurrency = 2}), &Guest::add>;

 private:
  Runtime& runtime_;
};

/// Two ranks on this thread, each polled by hand.
class Lifetime : public testing::Test {
 protected:
  struct Rank {
    Rank(LocalNetwork& network, int rank)
        : transport(network, rank),
          runtime(std::make_unique<Runtime>(transport)),
          guest(std::make_unique<Guest>(*runtime)) {
      runtime->host("guest", *guest);
    }
    LocalTransport transport;
    std::unique_ptr<Runtime> runtime;
    std::unique_ptr<Guest> guest;
  };
  void polls(int rounds = 20) {
    for (int i = 0; i < rounds; ++i) {
      for (Rank* rank : {&a_, &b_}) {
        if (rank->runtime) rank->runtime->poll();
      }
    }
  }
  ~Lifetime() override { EXPECT_EQ(Guest::living, 0); }

  LocalNetwork network_{2};
  Rank a_{network_, 0};
  Rank b_{network_, 1};
  Handle<Guest> guest_ = a_.runtime->find<Guest>(1, "guest");
};

TEST_F(Lifetime, OfTheCallerEndsWithCallsUnderWay) {
  auto one = guest_.call<&Guest::waits>(3);
  auto all = when_all(std::vector{guest_.call<&Guest::waits>(1), one});
  auto both = when_all(guest_.call<&Guest::waits>(1), guest_.call<&Guest::add>(1));
  auto any = when_any(std::vector{guest_.call<&Guest::waits>(1), one});
  auto timed = a_.runtime->wait_for(one, 1h);
  std::stop_source source;
  CallOptions options;
  options.stop = source.get_token();
  auto stopped = guest_.call_with<&Guest::waits>(options, 1);
  polls();
  EXPECT_GT(Guest::living, 3);
  a_.runtime.reset();
  source.request_stop();
  polls();
  EXPECT_FALSE(all.is_ready());
  b_.runtime.reset();
}

TEST_F(Lifetime, OfTheCalleeEndsWithMethodsUnderWay) {
  auto one = guest_.call<&Guest::waits>(5);
  auto nested = guest_.call<&Guest::waits_for>(b_.runtime->find<Guest>(0, "guest"));
  auto reader = guest_.call<&Guest::counts>();
  polls();
  EXPECT_GT(Guest::living, 6);
  b_.runtime.reset();
  polls();
  a_.runtime.reset();
}

TEST_F(Lifetime, OfARuntimeIsShorterThanThatOfRepliesAndReaders) {
  auto kept = guest_.call<&Guest::keeps>();
  auto second = guest_.call<&Guest::keeps>();
  auto third = guest_.call<&Guest::keeps>();  // waits: two at a time
  polls();
  EXPECT_EQ(b_.guest->kept.size(), 2u);
  auto reader = guest_.call<&Guest::counts>();
  polls();
  EXPECT_TRUE(reader.next().is_ready());
  a_.runtime.reset();
  b_.runtime.reset();
  b_.guest->kept[0](5);  // too late, and harmless
  b_.guest->kept.clear();
  for (int i = 0; i < 20; ++i) reader.next();
}

TEST_F(Lifetime, OfARuntimeEndsWithTasksInTheirMiddle) {
  const auto task = [](Runtime& runtime, Handle<Guest> guest) -> Task<> {
    const Alive alive(Guest::living);
    const auto reader = guest.call<&Guest::counts>();
    for (int i = 0; i < 5; ++i) co_await reader.next();
    co_await when_all(guest.call<&Guest::waits>(1), runtime.sleep_for(2h));
  };
  for (int i = 0; i < 3; ++i) {
    auto ended = a_.runtime->start("task", task(*a_.runtime, guest_));
    EXPECT_FALSE(ended.is_ready());
  }
  polls(50);
  EXPECT_FALSE(a_.runtime->task_contexts().empty());
  a_.runtime.reset();
  polls();
  b_.runtime.reset();
}

TEST_F(Lifetime, OfARuntimeWaitsForBlockingWork) {
  std::atomic<bool> done{false};
  const auto task = [&done](Runtime& runtime) -> Task<> {
    const Alive alive(Guest::living);
    std::vector<int> values(1000, 1);  // of the coroutine's frame
    co_await runtime.blocking([&values, &done] {
      std::this_thread::sleep_for(20ms);
      for (int& value : values) ++value;
      done = true;
    });
  };
  for (int i = 0; i < 6; ++i) {
    auto ended = a_.runtime->start("task", task(*a_.runtime));
    EXPECT_FALSE(ended.is_ready());
  }
  std::this_thread::sleep_for(5ms);
  a_.runtime.reset();
  EXPECT_TRUE(done);
  b_.runtime.reset();
}

TEST_F(Lifetime, OfAnActorEndsWhileItsMethodsAreAskedToStop) {
  b_.runtime->host("owned", std::make_unique<Guest>(*b_.runtime));
  const auto owned = a_.runtime->find<Guest>(1, "owned");
  auto waiting = owned.call<&Guest::waits>(2);
  auto kept = owned.call<&Guest::keeps>();
  std::vector<Future<int32_t>> more;
  for (int i = 0; i < 6; ++i) more.push_back(owned.call<&Guest::waits>(1));
  polls();
  b_.runtime->unhost("owned");
  polls();
  EXPECT_EQ(more.back().result().error().kind, CallError::Kind::kNotSent);
  b_.runtime.reset();
  a_.runtime.reset();
}

}  // namespace
}  // namespace srpo::actors
