// A process that is started later answers calls of every rank. This program is also the
// one that is started.
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/wire/mpi_transport.h"
#include "comm/mpi_session.h"
#include "comm/spawned_processes.h"
#include "mpi_world.h"

namespace srpo::actors {
namespace {

using std::chrono::seconds;

/// Fills the slot after those of mpirun's ranks.
class Late : public Actor {
 public:
  int64_t sum(const core::Buffer& values) {
    int64_t sum = 0;
    for (const int32_t value : values.as<int32_t>()) sum += value;
    return sum;
  }
  core::Buffer echo(core::Buffer buffer) { return buffer; }
  using Methods = MethodList<&Late::sum, &Late::echo>;
};

core::Buffer ones(size_t count) {
  return core::Buffer::of(std::vector<int32_t>(count, 1));
}

/// The transport knows the started process by its number; the slots are the ranks of
/// mpirun and, at the end, the started process.
TEST(SpawnedProcess, AnswersCallsOfEveryRank) {
  MpiTransport transport(*world);
  const int late = world->size();
  if (world->rank() == 0) {
    const auto spawned =
        comm::SpawnedProcesses::start(std::filesystem::read_symlink("/proc/self/exe"),
                                      {"--late", std::to_string(late + 1)}, 1);
    EXPECT_EQ(transport.adopt(spawned.intercommunicator()), late);
  }
  RuntimeConfig config;
  config.num_slots = late + 1;
  config.call_timeout = seconds(60);
  Runtime runtime(transport, config);
  runtime.slot_filled(late, late, 1);
  MPI_Barrier(world->handle());
  const auto actor = runtime.find<Late>(late, "late");
  for (const size_t count : {size_t{3}, size_t{5000}, size_t{1'000'000}}) {
    EXPECT_EQ(runtime.wait(actor.call<&Late::sum>(ones(count))),
              static_cast<int64_t>(count));
    const auto back = runtime.wait(actor.call<&Late::echo>(ones(count)));
    EXPECT_EQ(back.size(), count * sizeof(int32_t));
    EXPECT_EQ(back.as<int32_t>()[count - 1], 1);
  }
  // Rank 0 passes the calls of the others on until all are answered.
  MPI_Request barrier = MPI_REQUEST_NULL;
  MPI_Ibarrier(world->handle(), &barrier);
  for (int done = 0; done == 0; MPI_Test(&barrier, &done, MPI_STATUS_IGNORE))
    runtime.turn();
  if (world->rank() == 0) {
    if (world->size() > 1) {
      EXPECT_GT(transport.counts().relayed, 0u);
    }
    runtime.stop_all();
  }
  MPI_Barrier(world->handle());
}

int run_late(MPI_Comm parent, int num_slots) {
  MpiTransport transport(parent, seconds(30));
  RuntimeConfig config;
  config.num_slots = num_slots;
  Runtime runtime(transport, config);
  runtime.take_slot(transport.rank(), 1);
  runtime.slot_filled(transport.rank(), transport.rank(), 1);
  Late late;
  runtime.host("late", late);
  runtime.run();
  return 0;
}

}  // namespace
}  // namespace srpo::actors

int main(int argc, char** argv) {
  srpo::comm::MpiSession session(&argc, &argv);
  if (const auto parent = srpo::comm::SpawnedProcesses::parent()) {
    const int code = srpo::actors::run_late(*parent, std::stoi(argv[argc - 1]));
    session.leave_with(code);
    return code;
  }
  testing::InitGoogleTest(&argc, argv);
  srpo::comm::Communicator world = srpo::comm::Communicator::world();
  srpo::actors::world = &world;
  const int failed = RUN_ALL_TESTS();
  session.leave_with(failed);
  return failed;
}
