// TransportCase over MPI. A case for more ranks than there are is skipped.
#include "actors/wire/mpi_transport.h"
#include "comm/mpi_session.h"
#include "transport_case.h"

namespace srpo::actors::testing_support {

std::vector<std::string> ways() { return {"Mpi"}; }

void TransportCase::run(int ranks, const Host& host, const Main& main,
                        RuntimeConfig config) {
  const auto world = comm::Communicator::world();
  if (world.size() < ranks) GTEST_SKIP() << "needs " << ranks << " ranks";
  auto group = world.split(world.rank() < ranks ? 0 : -1, world.rank());
  if (!group) return;
  MpiTransport transport(*group);
  Runtime runtime(transport, config);
  host(runtime);
  if (group->rank() != 0) {
    runtime.run();
    return;
  }
  const auto ended = runtime.start("main", main(runtime));
  const auto deadline = core::Deadline::in(std::chrono::seconds(60));
  while (!ended.is_ready() && !deadline.has_passed()) runtime.turn();
  EXPECT_TRUE(ended.is_ready()) << "main does not end";
  if (ended.is_ready())
    EXPECT_TRUE(ended.result().has_value()) << ended.result().error().message;
  runtime.stop_all();
}

}  // namespace srpo::actors::testing_support

int main(int argc, char** argv) {
  srpo::comm::MpiSession session(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  session.leave_with(failed);
  return failed;
}
