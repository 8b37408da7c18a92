// Streamed results: order, back-pressure, ends from either side.
#include <memory>

#include "transport_case.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using testing_support::TransportCase;

class Press : public Actor {
 public:
  explicit Press(Runtime& runtime) : runtime_(runtime) {}

  Stream<int32_t> count(int32_t last) {
    const Ending ending{&ended_};
    for (int32_t i = 0; i < last; ++i) {
      ++produced_;
      co_yield i;
    }
  }
  /// Each element is fetched from another actor.
  Stream<int32_t> relay(int32_t last) {
    const Ending ending{&ended_};
    const auto self = runtime_.find<Press>(runtime_.rank(), "press");
    for (int32_t i = 0; i < last; ++i) {
      auto doubled = co_await self.call<&Press::doubled>(i);
      co_yield doubled.value();
      co_await runtime_.sleep_for(100us);
    }
  }
  Stream<core::Buffer> pages(int32_t count, int32_t bytes) {
    for (int32_t i = 0; i < count; ++i) {
      co_yield core::Buffer::of(
          std::vector<std::byte>(static_cast<size_t>(bytes), static_cast<std::byte>(i)));
    }
  }
  int32_t doubled(int32_t value) { return 2 * value; }
  int32_t produced() { return produced_; }
  int32_t ended() { return ended_; }

  using Methods = MethodList<method<&Press::count>({.concurrency = 8}),
                             method<&Press::relay>({.concurrency = 8}), &Press::pages,
                             method<&Press::doubled>({.concurrency = 8}),
                             method<&Press::produced>({.concurrency = 1}),
                             method<&Press::ended>({.concurrency = 1})>;

 private:
  struct Ending {
    int32_t* count;
    ~Ending() { ++*count; }
  };
  Runtime& runtime_;
  int32_t produced_ = 0;
  int32_t ended_ = 0;
};

void host_press(Runtime& runtime) {
  runtime.host("press", std::make_unique<Press>(runtime));
}

/// The element, or -1 after the last one.
int32_t item(CallResult<std::optional<int32_t>> result) {
  return result.value().value_or(-1);
}

class Streams : public TransportCase {};

TEST_P(Streams, GiveTheirElementsInOrderAndThenEnd) {
  run(2, host_press, [](Runtime& runtime) -> Task<> {
    const auto press = runtime.find<Press>(1, "press");
    const auto reader = press.call<&Press::count>(200);
    for (int32_t i = 0; i < 200; ++i) EXPECT_EQ(item(co_await reader.next()), i);
    EXPECT_EQ(item(co_await reader.next()), -1);
    EXPECT_EQ(item(co_await reader.next()), -1);
    EXPECT_EQ((co_await press.call<&Press::ended>()).value(), 1);
    const auto none = press.call<&Press::count>(0);
    EXPECT_EQ(item(co_await none.next()), -1);
  });
}

TEST_P(Streams, StopAtTheReadersWindow) {
  RuntimeConfig config;
  config.stream_window = 4;
  run(
      2, host_press,
      [](Runtime& runtime) -> Task<> {
        const auto press = runtime.find<Press>(1, "press");
        const auto reader = press.call<&Press::count>(1000);
        co_await runtime.sleep_for(20ms);
        const int32_t before = (co_await press.call<&Press::produced>()).value();
        EXPECT_LE(before, 4 + 1);
        EXPECT_GE(before, 4);
        for (int32_t i = 0; i < 100; ++i) EXPECT_EQ(item(co_await reader.next()), i);
        co_await runtime.sleep_for(20ms);
        EXPECT_LE((co_await press.call<&Press::produced>()).value(), 100 + 4 + 1);
      },
      config);
}

TEST_P(Streams, EndWhenTheReaderIsDropped) {
  run(2, host_press, [](Runtime& runtime) -> Task<> {
    const auto press = runtime.find<Press>(1, "press");
    {
      const auto reader = press.call<&Press::count>(1 << 30);
      EXPECT_EQ(item(co_await reader.next()), 0);
      const auto relay = press.call<&Press::relay>(1 << 30);
      EXPECT_EQ(item(co_await relay.next()), 0);
    }
    for (int i = 0; i < 1000; ++i) {
      if ((co_await press.call<&Press::ended>()).value() == 2) break;
      co_await runtime.sleep_for(1ms);
    }
    EXPECT_EQ((co_await press.call<&Press::ended>()).value(), 2);
    EXPECT_EQ(runtime.calls().size(), 0u);
  });
}

TEST_P(Streams, MayWaitForCallsBetweenElements) {
  run(2, host_press, [](Runtime& runtime) -> Task<> {
    const auto reader = runtime.find<Press>(1, "press").call<&Press::relay>(20);
    for (int32_t i = 0; i < 20; ++i) EXPECT_EQ(item(co_await reader.next()), 2 * i);
    EXPECT_EQ(item(co_await reader.next()), -1);
  });
}

TEST_P(Streams, RunBesideEachOther) {
  run(3, host_press, [](Runtime& runtime) -> Task<> {
    std::vector<StreamReader<int32_t>> readers;
    for (int i = 0; i < 8; ++i) {
      readers.push_back(runtime.find<Press>(1 + i % 2, "press").call<&Press::count>(100));
    }
    for (int32_t i = 0; i < 100; ++i) {
      for (const auto& reader : readers) EXPECT_EQ(item(co_await reader.next()), i);
    }
  });
}

TEST_P(Streams, ToNobodyEndWithTheError) {
  run(2, host_press, [](Runtime& runtime) -> Task<> {
    const auto reader = runtime.find<Press>(1, "nobody").call<&Press::count>(3);
    EXPECT_EQ((co_await reader.next()).error().kind, CallError::Kind::kNotSent);
    const auto far = runtime.find<Press>(9, "press").call<&Press::count>(3);
    EXPECT_EQ((co_await far.next()).error().kind, CallError::Kind::kNotSent);
  });
}

TEST_P(Streams, EndAtTheirDeadline) {
  run(2, host_press, [](Runtime& runtime) -> Task<> {
    const auto press = runtime.find<Press>(1, "press");
    const auto reader = press.call_within<&Press::relay>(30ms, 1 << 30);
    int32_t seen = 0;
    while (true) {
      auto next = co_await reader.next();
      if (!next.has_value()) {
        // The reader's own deadline, or that of the producer's calls, which is the same.
        EXPECT_EQ(next.error().cause, core::ErrorKind::kTimeout);
        break;
      }
      ++seen;
    }
    EXPECT_GT(seen, 0);
    for (int i = 0; i < 1000; ++i) {
      if ((co_await press.call<&Press::ended>()).value() == 1) break;
      co_await runtime.sleep_for(1ms);
    }
    EXPECT_EQ((co_await press.call<&Press::ended>()).value(), 1);
  });
}

ON_EVERY_TRANSPORT(Streams);

}  // namespace
}  // namespace srpo::actors
