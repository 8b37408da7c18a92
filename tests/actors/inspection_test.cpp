#include "actors/sight/inspection.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/sight/rank_services.h"
#include "actors/wire/local_transport.h"

namespace srpo::actors {
namespace {

using namespace std::chrono_literals;

class Worker : public Actor {
 public:
  void wait(Reply<int64_t> reply) { waiting.push_back(reply); }
  int64_t fail() { throw core::Error(core::ErrorKind::kBadInput, "no"); }
  Task<int64_t> ask(Handle<Worker> other) {
    auto answer = co_await other.call<&Worker::wait>();
    co_return answer.value();
  }
  void nap(int64_t milliseconds) {
    napping = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  }
  using Methods = MethodList<&Worker::wait, &Worker::fail, &Worker::ask, &Worker::nap>;
  std::vector<Reply<int64_t>> waiting;
  std::atomic<bool> napping{false};
};

struct Rank {
  Rank(LocalNetwork& network, int rank)
      : transport(network, rank), runtime(transport, {.report_every = 5ms}) {
    runtime.host("worker", worker);
  }
  LocalTransport transport;
  Worker worker;
  Runtime runtime;
};

const MethodReport& method(const RankReport& report, const std::string& name) {
  for (const ActorReport& actor : report.actors) {
    for (const MethodReport& each : actor.methods) {
      if (each.name == name) return each;
    }
  }
  throw std::runtime_error("no method " + name);
}

Task<int64_t> wait_for_worker(Handle<Worker> worker) {
  auto answer = co_await worker.call<&Worker::wait>();
  co_return answer.value();
}

TEST(Inspection, TellsWhatARankDoesAndWhatItWaitsFor) {
  LocalNetwork network(2);
  Rank here(network, 0);
  Rank there(network, 1);
  const auto poll = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      here.runtime.poll();
      there.runtime.poll();
    }
  };
  const auto worker = here.runtime.find<Worker>(1, "worker");
  const auto back = there.runtime.find<Worker>(0, "worker");
  const auto asked = worker.call<&Worker::ask>(back);
  const auto queued = worker.call<&Worker::fail>();
  const auto task = here.runtime.start("the program", wait_for_worker(worker));
  poll(10);

  const RankReport report = inspect(there.runtime);
  EXPECT_EQ(report.rank, 1);
  EXPECT_EQ(method(report, "Worker::ask").running, 1u);
  EXPECT_EQ(method(report, "Worker::fail").queued, 1u);
  ASSERT_EQ(report.running.size(), 1u);
  EXPECT_EQ(report.running[0].what, "Worker::ask");
  EXPECT_EQ(report.running[0].caller, 0);
  EXPECT_NE(report.running[0].waits_for.find("Worker::wait of rank 0"),
            std::string::npos);
  ASSERT_EQ(report.pending.size(), 1u);
  ASSERT_EQ(report.credit.size(), 1u);
  EXPECT_EQ(report.credit[0].actor, "worker");
  EXPECT_EQ(report.credit[0].calls, 1u);
  EXPECT_GT(report.credit[0].bytes, 0u);

  // Another rank asks; the text is for people, the JSON for programs.
  const auto services = here.runtime.find<RankServices>(1, kServicesName);
  const auto remote = services.call<&RankServices::inspect>();
  const auto text = services.call<&RankServices::inspect_text>();
  poll(10);
  ASSERT_TRUE(remote.is_ready() && text.is_ready());
  EXPECT_EQ(remote.result().value().running.size(), 1u);
  EXPECT_NE(text.result().value().find("runs Worker::ask"), std::string::npos);
  EXPECT_EQ(to_json(report).front(), '{');
  EXPECT_NE(to_json(report).find("\"what\":\"Worker::ask\""), std::string::npos);

  const RankReport own = inspect(here.runtime);
  ASSERT_FALSE(own.running.empty());
  EXPECT_EQ(own.running.back().what, "the program");
  EXPECT_NE(own.running.back().waits_for.find("Worker::wait of rank 1"),
            std::string::npos);

  here.worker.waiting.front()(5);
  poll(20);
  there.worker.waiting.front()(6);
  poll(20);
  EXPECT_EQ(task.result().value(), 6);
  EXPECT_EQ(asked.result().value(), 5);
  EXPECT_FALSE(queued.result().has_value());
  const RankReport after = inspect(there.runtime);
  EXPECT_EQ(method(after, "Worker::fail").errors, 1u);
  EXPECT_EQ(method(after, "Worker::ask").calls, 1u);
  EXPECT_GT(method(after, "Worker::ask").p99_ns, 0);
  EXPECT_TRUE(after.running.empty());
  EXPECT_TRUE(after.pending.empty());
}

TEST(Snapshot, TellsAnotherThreadWhatAStuckReactorDoes) {
  LocalNetwork network(1);
  Rank rank(network, 0);
  const auto worker = rank.runtime.find<Worker>(0, "worker");
  EXPECT_NE(rank.runtime.snapshot_text().find("no report yet"), std::string::npos);
  const auto pending = worker.call<&Worker::wait>();
  std::thread reactor([&] {
    const auto until = core::Deadline::in(50ms);
    while (!until.has_passed()) rank.runtime.turn();
    const auto nap = worker.call<&Worker::nap>(int64_t{300});
    while (!nap.is_ready()) rank.runtime.turn();
  });
  while (!rank.worker.napping) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(20ms);
  const std::string text = rank.runtime.snapshot_text();
  reactor.join();
  EXPECT_NE(text.find("running now: Worker::nap for "), std::string::npos) << text;
  EXPECT_NE(text.find("pending Worker::wait of rank 0"), std::string::npos) << text;
  EXPECT_NE(rank.runtime.snapshot_text().find("running now: nothing"), std::string::npos);
  rank.worker.waiting.front()(1);
}

}  // namespace
}  // namespace srpo::actors
