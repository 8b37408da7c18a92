#include "transport_case.h"

#include <thread>

#include "actors/simulation/simulated_world.h"
#include "actors/wire/local_transport.h"

namespace srpo::actors::testing_support {
namespace {

using Host = std::function<void(Runtime&)>;
using Main = std::function<Task<>(Runtime&)>;

void report(const CallResult<Done>& result) {
  EXPECT_TRUE(result.has_value()) << result.error().message;
}

void run_on_threads(int ranks, const Host& host, const Main& main,
                    const RuntimeConfig& config) {
  LocalNetwork network(ranks);
  std::vector<std::thread> threads;
  for (int rank = 1; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      LocalTransport transport(network, rank);
      Runtime runtime(transport, config);
      host(runtime);
      runtime.run();
    });
  }
  {
    LocalTransport transport(network, 0);
    Runtime runtime(transport, config);
    host(runtime);
    const auto ended = runtime.start("main", main(runtime));
    const auto deadline = core::Deadline::in(std::chrono::seconds(60));
    while (!ended.is_ready() && !deadline.has_passed()) runtime.turn();
    EXPECT_TRUE(ended.is_ready()) << "main does not end";
    if (ended.is_ready()) report(ended.result());
    runtime.stop_all();
    for (std::thread& thread : threads) thread.join();
  }
}

class Program final : public SimulatedProgram {
 public:
  Program(Transport& transport, const RuntimeConfig& config, const Host& host)
      : runtime_(transport, config) {
    host(runtime_);
  }
  Runtime& runtime() override { return runtime_; }

 private:
  Runtime runtime_;
};

void run_simulated(uint64_t seed, int ranks, const Host& host, const Main& main,
                   const RuntimeConfig& config) {
  SimulatedWorld world(seed, ranks, {}, [&](SimulatedTransport& transport, auto&) {
    return std::make_unique<Program>(transport, config, host);
  });
  world.start_all();
  Runtime& first = world.runtime(0);
  const auto ended = first.start("main", main(first));
  world.run_until([&] { return ended.is_ready(); }, std::chrono::hours(1));
  EXPECT_TRUE(ended.is_ready()) << "main does not end";
  if (ended.is_ready()) report(ended.result());
}

}  // namespace

std::vector<std::string> ways() { return {"Threads", "Simulator"}; }

void TransportCase::run(int ranks, const Host& host, const Main& main,
                        RuntimeConfig config) {
  if (GetParam() == "Threads") {
    run_on_threads(ranks, host, main, config);
    return;
  }
  for (uint64_t seed = 1; seed <= 5; ++seed)
    run_simulated(seed, ranks, host, main, config);
}

}  // namespace srpo::actors::testing_support
