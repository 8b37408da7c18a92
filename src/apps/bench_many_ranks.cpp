// Many ranks on few cores: start, a thousand calls, end.
#include <cstdio>

#include "actors/runtime.h"
#include "actors/wire/mpi_transport.h"
#include "apps/bench.h"
#include "comm/mpi_session.h"

namespace srpo::bench {
namespace {

class Idle : public actors::Actor {
 public:
  void nothing() {}
  using Methods = actors::MethodList<&Idle::nothing>;
};

int run_many(const Options&, int* argc, char*** argv) {
  constexpr int kCalls = 1000;
  comm::MpiSession session(argc, argv);
  comm::Communicator world = comm::Communicator::world();
  actors::MpiTransport transport(world);
  actors::Runtime runtime(transport);
  Idle idle;
  runtime.host("idle", idle);
  if (world.rank() != 0) {
    runtime.run();
    return 0;
  }
  const core::Stopwatch watch;
  std::vector<actors::Future<actors::Done>> calls;
  for (int i = 0; i < kCalls; ++i)
    calls.push_back(runtime.find<Idle>(i % world.size(), "idle").call<&Idle::nothing>());
  for (auto& result : runtime.wait(actors::when_all(std::move(calls)))) result.value();
  std::printf("%d calls to %d ranks in %.3f s\n", kCalls, world.size(), watch.seconds());
  runtime.stop_all();
  return 0;
}

int run_nothing(const Options&, int* argc, char*** argv) {
  const comm::MpiSession session(argc, argv);
  const comm::Communicator world = comm::Communicator::world();
  return 0;
}

const Registration many("many_ranks", "1000 calls among all ranks (see bench/many_ranks)",
                        run_many);
const Registration nothing("start_stop", "MPI alone: start and end of all ranks",
                           run_nothing);

}  // namespace
}  // namespace srpo::bench
