// How methods are run: beside each other, in order, on the pool; and what they throw.
#include <atomic>
#include <memory>
#include <new>
#include <thread>

#include "transport_case.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;
using testing_support::TransportCase;

class Workshop : public Actor {
 public:
  explicit Workshop(Runtime& runtime) : runtime_(runtime) {}

  Task<int32_t> together(int32_t value) {
    most_ = std::max(most_, ++running_);
    co_await runtime_.sleep_for(5ms);
    --running_;
    co_return value;
  }
  /// Ordered although it is suspended.
  Task<> note(int32_t value) {
    co_await runtime_.sleep_for(std::chrono::milliseconds(value % 3));
    notes_.push_back(value);
    co_await runtime_.sleep_for(1ms);
    notes_.push_back(value);
  }
  Task<bool> blocks() {
    const auto reactor = std::this_thread::get_id();
    const auto other = co_await runtime_.blocking([] {
      std::this_thread::sleep_for(2ms);
      return std::this_thread::get_id();
    });
    co_return runtime_.wire().transport().is_simulated() ||
        CallResult<std::thread::id>(other).value() != reactor;
  }
  int32_t on_pool(int32_t value) {
    std::this_thread::sleep_for(1ms);
    if (value < 0) throw core::Error(core::ErrorKind::kBadInput, "negative");
    return 2 * value;
  }
  int32_t most() { return most_; }
  std::vector<int32_t> notes() { return notes_; }

  void throws_error() { REQUIRE(false, kNoSpace, "the disk is full"); }
  int32_t throws_number() { throw 7; }
  Task<int32_t> throws_number_later() {
    co_await runtime_.sleep_for(1ms);
    throw 7;
  }
  std::vector<int32_t> has_no_memory() { throw std::bad_alloc(); }
  int32_t throws_on_pool() { throw 7; }
  void drops_its_reply(Reply<int32_t>) {}
  std::vector<core::Buffer> has_too_many_buffers() {
    const auto piece = core::Buffer::of(std::vector<std::byte>(core::kAttachFrom));
    return std::vector<core::Buffer>(kMaxBuffers + 1, piece);
  }
  Stream<int32_t> throws_in_stream(int32_t after) {
    for (int32_t i = 0; i < after; ++i) co_yield i;
    throw core::Error(core::ErrorKind::kBadFile, "torn");
  }

  using Methods = MethodList<
      method<&Workshop::together>({.concurrency = 3}), &Workshop::note, &Workshop::blocks,
      method<&Workshop::on_pool>({.on_pool = true}), &Workshop::most, &Workshop::notes,
      &Workshop::throws_error, &Workshop::throws_number, &Workshop::throws_number_later,
      &Workshop::has_no_memory, method<&Workshop::throws_on_pool>({.on_pool = true}),
      &Workshop::drops_its_reply, &Workshop::has_too_many_buffers,
      &Workshop::throws_in_stream>;

 private:
  Runtime& runtime_;
  int32_t running_ = 0;
  int32_t most_ = 0;
  std::vector<int32_t> notes_;
};

void host_workshop(Runtime& runtime) {
  runtime.host("workshop", std::make_unique<Workshop>(runtime));
}

class Methods : public TransportCase {};

TEST_P(Methods, ThatAreReentrantRunBesideEachOtherUpToTheirLimit) {
  run(2, host_workshop, [](Runtime& runtime) -> Task<> {
    const auto shop = runtime.find<Workshop>(1, "workshop");
    std::vector<Future<int32_t>> futures;
    for (int i = 0; i < 10; ++i) futures.push_back(shop.call<&Workshop::together>(i));
    auto results = (co_await when_all(futures)).value();
    for (int i = 0; i < 10; ++i) EXPECT_EQ(results[i].value(), i);
    EXPECT_EQ((co_await shop.call<&Workshop::most>()).value(), 3);
  });
}

TEST_P(Methods, ThatAreOrderedStayInOrderWhileTheyAreSuspended) {
  run(2, host_workshop, [](Runtime& runtime) -> Task<> {
    const auto shop = runtime.find<Workshop>(1, "workshop");
    for (int i = 0; i < 12; ++i) shop.tell<&Workshop::note>(i);
    std::vector<int32_t> expected;
    for (int i = 0; i < 12; ++i) expected.insert(expected.end(), {i, i});
    EXPECT_EQ((co_await shop.call<&Workshop::notes>()).value(), expected);
  });
}

TEST_P(Methods, BlockOnThreadsOfThePool) {
  run(2, host_workshop, [](Runtime& runtime) -> Task<> {
    const auto shop = runtime.find<Workshop>(1, "workshop");
    EXPECT_TRUE((co_await shop.call<&Workshop::blocks>()).value());
    EXPECT_EQ((co_await shop.call<&Workshop::on_pool>(4)).value(), 8);
    const auto failed = co_await shop.call<&Workshop::on_pool>(-1);
    EXPECT_EQ(failed.error().cause, core::ErrorKind::kBadInput);
  });
}

template <class R>
void expect_application_error(const CallResult<R>& result, core::ErrorKind cause) {
  EXPECT_FALSE(result.has_value());
  if (result.has_value()) return;
  EXPECT_EQ(result.error().kind, CallError::Kind::kApplication) << result.error().message;
  EXPECT_EQ(result.error().cause, cause) << result.error().message;
}

TEST_P(Methods, SendWhatTheyThrowToTheCaller) {
  run(2, host_workshop, [](Runtime& runtime) -> Task<> {
    using core::ErrorKind;
    const auto shop = runtime.find<Workshop>(1, "workshop");
    expect_application_error(co_await shop.call<&Workshop::throws_error>(),
                             ErrorKind::kNoSpace);
    expect_application_error(co_await shop.call<&Workshop::throws_number>(),
                             ErrorKind::kBug);
    expect_application_error(co_await shop.call<&Workshop::throws_number_later>(),
                             ErrorKind::kBug);
    expect_application_error(co_await shop.call<&Workshop::has_no_memory>(),
                             ErrorKind::kBug);
    expect_application_error(co_await shop.call<&Workshop::throws_on_pool>(),
                             ErrorKind::kBug);
    expect_application_error(co_await shop.call<&Workshop::drops_its_reply>(),
                             ErrorKind::kBug);
    expect_application_error(co_await shop.call<&Workshop::has_too_many_buffers>(),
                             ErrorKind::kBug);
    // All of that did no harm.
    EXPECT_EQ((co_await shop.call<&Workshop::on_pool>(1)).value(), 2);
  });
}

TEST_P(Methods, ThatAreStreamsThrowAfterTheirElements) {
  run(2, host_workshop, [](Runtime& runtime) -> Task<> {
    const auto shop = runtime.find<Workshop>(1, "workshop");
    const auto reader = shop.call<&Workshop::throws_in_stream>(3);
    for (int32_t i = 0; i < 3; ++i) EXPECT_EQ((co_await reader.next()).value(), i);
    expect_application_error(co_await reader.next(), core::ErrorKind::kBadFile);
  });
}

TEST_P(Methods, OfTheRanksOwnTasksReportWhatIsThrown) {
  run(1, host_workshop, [](Runtime& runtime) -> Task<> {
    const auto thrower = [](Runtime& where) -> Task<int32_t> {
      co_await where.sleep_for(1ms);
      throw 7;
    };
    expect_application_error(co_await runtime.start("thrower", thrower(runtime)),
                             core::ErrorKind::kBug);
    const auto blocking = co_await runtime.blocking([]() -> int32_t { throw 7; });
    expect_application_error(blocking, core::ErrorKind::kBug);
  });
}

TEST_P(Methods, OfActorsWhoseNamesCollideAreRefusedAtTheStart) {
  run(
      1, [](Runtime&) {},
      [](Runtime& runtime) -> Task<> {
        // Two words with the same FNV-1a hash.
        EXPECT_EQ(name_hash("costarring"), name_hash("liquid"));
        runtime.host("costarring", std::make_unique<Workshop>(runtime));
        EXPECT_THROW(runtime.host("liquid", std::make_unique<Workshop>(runtime)),
                     core::Error);
        EXPECT_EQ(
            (co_await runtime.find<Workshop>(0, "costarring").call<&Workshop::most>())
                .value(),
            0);
      });
}

TEST_P(Methods, OfAnActorThatWasReplacedAreRefused) {
  run(1, host_workshop, [](Runtime& runtime) -> Task<> {
    const auto shop = runtime.find<Workshop>(0, "workshop");
    auto first = shop.call<&Workshop::note>(2);
    auto second = shop.call<&Workshop::note>(1);
    co_await runtime.sleep_for(1us);
    runtime.unhost("workshop");
    EXPECT_TRUE((co_await first).has_value());
    EXPECT_EQ((co_await second).error().kind, CallError::Kind::kNotSent);
    EXPECT_EQ((co_await shop.call<&Workshop::most>()).error().kind,
              CallError::Kind::kNotSent);
  });
}

ON_EVERY_TRANSPORT(Methods);

}  // namespace
}  // namespace srpo::actors
