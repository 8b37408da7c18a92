#include <thread>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/wire/local_transport.h"

namespace srpo::actors {
namespace {

class Account : public Actor {
 public:
  explicit Account(int64_t start) : total_(start) {
    REQUIRE(start >= 0, kBadInput, "start=" << start << " (expected >= 0)");
  }
  int64_t add(int64_t amount) { return total_ += amount; }
  using Methods = MethodList<&Account::add>;

 private:
  int64_t total_;
};

class Teller : public Actor {
 public:
  explicit Teller(Runtime& runtime) : runtime_(runtime) {}
  /// Finds the account by its name, from another rank than the one that made it.
  Task<int64_t> deposit(std::string account, int64_t amount) {
    auto group = co_await runtime_.look_up<Account>(account);
    auto total = co_await group.value()[0].call<&Account::add>(amount);
    co_return total.value();
  }
  /// Told whom to call.
  Task<int64_t> deposit_at(Handle<Account> account, int64_t amount) {
    auto total = co_await account.call<&Account::add>(amount);
    co_return total.value();
  }
  using Methods = MethodList<&Teller::deposit, &Teller::deposit_at>;

 private:
  Runtime& runtime_;
};

/// Ranks 1 and 2 run on threads of their own; the test is rank 0.
class SpawnTest : public testing::Test {
 protected:
  SpawnTest() {
    for (const int rank : {1, 2}) {
      threads_.emplace_back([this, rank] {
        LocalTransport transport(network_, rank);
        Runtime runtime(transport);
        runtime.run();
      });
    }
  }
  ~SpawnTest() override {
    runtime_.stop_all();
    for (std::thread& thread : threads_) thread.join();
  }

  LocalNetwork network_{3};
  LocalTransport transport_{network_, 0};
  Runtime runtime_{transport_};
  std::vector<std::thread> threads_;
};

TEST_F(SpawnTest, MakesActorsOnOtherRanksWithTheirArguments) {
  const auto accounts = runtime_.spawn<Account>("account", {1, 2}, args(int64_t{100}));
  EXPECT_EQ(runtime_.wait(accounts[0].call<&Account::add>(1)), 101);
  EXPECT_EQ(runtime_.wait(accounts[1].call<&Account::add>(2)), 102);
  for (const auto& started : runtime_.wait(accounts.started()))
    EXPECT_TRUE(started.has_value());
}

TEST_F(SpawnTest, GivesTheWordsOfAConstructorThatThrewToEveryCaller) {
  const auto accounts = runtime_.spawn<Account>("account", {1}, args(int64_t{-5}));
  const auto future = accounts[0].call<&Account::add>(1);
  while (!future.is_ready()) runtime_.turn();
  ASSERT_FALSE(future.result().has_value());
  EXPECT_EQ(future.result().error().kind, CallError::Kind::kApplication);
  EXPECT_NE(future.result().error().message.find("start=-5 (expected >= 0)"),
            std::string::npos);
}

TEST_F(SpawnTest, FindsAnActorByNameFromAnotherRank) {
  runtime_.spawn<Account>("account", {1}, args(int64_t{0}));
  const auto tellers = runtime_.spawn<Teller>("teller", {2});
  EXPECT_EQ(runtime_.wait(tellers[0].call<&Teller::deposit>("account", 7)), 7);
  EXPECT_THROW(runtime_.wait(tellers[0].call<&Teller::deposit>("nobody", 7)),
               core::Error);
  EXPECT_THROW(runtime_.wait(tellers[0].call<&Teller::deposit>("teller", 7)),
               core::Error);
}

TEST_F(SpawnTest, SendsHandlesInMessages) {
  const auto accounts = runtime_.spawn<Account>("account", {1}, args(int64_t{0}));
  const auto tellers = runtime_.spawn<Teller>("teller", {2});
  EXPECT_EQ(runtime_.wait(tellers[0].call<&Teller::deposit_at>(accounts[0], 7)), 7);
}

}  // namespace
}  // namespace srpo::actors
