#include "actors/runtime.h"

#include <thread>

#include <gtest/gtest.h>

#include "actors/wire/frame.h"
#include "actors/wire/local_transport.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

class Counter : public Actor {
 public:
  int64_t add(int64_t amount) {
    REQUIRE(amount >= 0, kBadInput, "amount=" << amount << " (expected >= 0)");
    total_ += amount;
    for (auto& [total, reply] : waiting_) {
      if (total_ >= total) reply(total_);
    }
    return total_;
  }
  void wait_for(int64_t total, Reply<int64_t> reply) {
    waiting_.emplace_back(total, reply);
  }
  void forget(Reply<Done>) {}
  std::string join(const std::vector<std::string>& parts) {
    std::string all;
    for (const std::string& part : parts) all += part;
    return all;
  }
  using Methods =
      MethodList<&Counter::add, &Counter::wait_for, &Counter::forget, &Counter::join>;

 private:
  int64_t total_ = 0;
  std::vector<std::pair<int64_t, Reply<int64_t>>> waiting_;
};

/// Rank 1 hosts a counter on a thread of its own; the test is rank 0.
class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest()
      : server_thread_([this] {
          LocalTransport transport(network_, 1);
          Runtime runtime(transport);
          Counter counter;
          runtime.host("counter", counter);
          runtime.run();
        }) {}
  ~RuntimeTest() override {
    runtime_.stop_all();
    server_thread_.join();
  }

  LocalNetwork network_{2};
  LocalTransport transport_{network_, 0};
  Runtime runtime_{transport_};
  Handle<Counter> counter_ = runtime_.find<Counter>(1, "counter");
  std::thread server_thread_;
};

TEST_F(RuntimeTest, AnswersACall) {
  EXPECT_EQ(runtime_.wait(counter_.call<&Counter::add>(int64_t{5})), 5);
}

TEST_F(RuntimeTest, CarriesRecordsAndLists) {
  const std::vector<std::string> parts = {"a", "", "bc"};
  EXPECT_EQ(runtime_.wait(counter_.call<&Counter::join>(parts)), "abc");
}

TEST_F(RuntimeTest, KeepsTheOrderOfCallsOfOneCaller) {
  std::vector<Future<int64_t>> futures;
  for (int i = 0; i < 500; ++i)
    futures.push_back(counter_.call<&Counter::add>(int64_t{1}));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(runtime_.wait(futures[i]), i + 1);
}

TEST_F(RuntimeTest, AnswersLaterWhenTheMethodKeepsTheReply) {
  auto later = counter_.call<&Counter::wait_for>(int64_t{3});
  EXPECT_EQ(runtime_.wait(counter_.call<&Counter::add>(int64_t{1})), 1);
  EXPECT_FALSE(later.is_ready());
  EXPECT_EQ(runtime_.wait(counter_.call<&Counter::add>(int64_t{2})), 3);
  EXPECT_EQ(runtime_.wait(later), 3);
}

TEST_F(RuntimeTest, ReportsWhatAMethodThrewWithItsKind) {
  auto future = counter_.call<&Counter::add>(int64_t{-1});
  try {
    runtime_.wait(future);
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadInput);
    EXPECT_STREQ(error.what(), "amount=-1 (expected >= 0)");
  }
}

TEST_F(RuntimeTest, NeverLosesACallWhoseReplyWasDropped) {
  auto future = counter_.call<&Counter::forget>();
  EXPECT_THROW(runtime_.wait(future), core::Error);
}

TEST_F(RuntimeTest, EndsACallAtItsDeadline) {
  auto future = counter_.call_within<&Counter::wait_for>(20ms, int64_t{1000});
  try {
    runtime_.wait(future);
    FAIL();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kTimeout);
  }
}

TEST_F(RuntimeTest, RefusesAnUnknownActorAndAnUnknownRank) {
  EXPECT_THROW(
      runtime_.wait(runtime_.find<Counter>(1, "nobody").call<&Counter::add>(int64_t{1})),
      core::Error);
  EXPECT_THROW(
      runtime_.wait(runtime_.find<Counter>(7, "counter").call<&Counter::add>(int64_t{1})),
      core::Error);
}

TEST_F(RuntimeTest, CallsAnActorOfItsOwnRank) {
  Counter mine;
  runtime_.host("mine", mine);
  EXPECT_EQ(
      runtime_.wait(runtime_.find<Counter>(0, "mine").call<&Counter::add>(int64_t{2})),
      2);
}

TEST(Frame, RefusesDamagedFrames) {
  std::vector<core::Buffer> buffers;
  core::ByteWriter writer = begin_frame(buffers);
  writer.write(std::string("nine byte"));
  const Frame frame = seal({FrameKind::kCall, 0, 1, 7, 1, 42, 1, 1000}, writer.take(),
                           std::move(buffers));
  EXPECT_EQ(open(frame, 3).header.call, 42u);
  for (size_t i = 0; i < frame.bytes.size(); ++i) {
    Frame damaged = frame;
    damaged.bytes[i] ^= std::byte{0x10};
    if (i < kHeaderBytes) {
      EXPECT_THROW(open(damaged, 3), core::Error) << "byte " << i;
    } else {
      EXPECT_FALSE(open(damaged, 3).arguments_are_whole);
    }
    Frame cut;
    cut.bytes.assign(frame.bytes.begin(), frame.bytes.begin() + static_cast<long>(i));
    EXPECT_THROW(open(cut, 3), core::Error);
  }
}

}  // namespace
}  // namespace srpo::actors
