// Every rank hosts an adder; rank 0 calls all of them.
#include <gtest/gtest.h>

#include "actors/runtime.h"
#include "actors/wire/mpi_transport.h"
#include "comm/mpi_session.h"
#include "mpi_world.h"

namespace srpo::actors {
namespace {

class Adder : public Actor {
 public:
  std::vector<int32_t> plus_one(std::vector<int32_t> values) {
    for (int32_t& value : values) ++value;
    return values;
  }
  using Methods = MethodList<&Adder::plus_one>;
};

TEST(RuntimeOverMpi, CarriesSmallAndLargeMessagesToEveryRank) {
  MpiTransport transport(*world);
  Runtime runtime(transport);
  Adder adder;
  runtime.host("adder", adder);
  if (world->rank() != 0) {
    runtime.run();
    meet(transport);
    return;
  }
  for (const size_t size : {size_t{1}, size_t{1000}, size_t{1} << 20}) {
    std::vector<Future<std::vector<int32_t>>> futures;
    for (int rank = 0; rank < world->size(); ++rank) {
      futures.push_back(runtime.find<Adder>(rank, "adder")
                            .call<&Adder::plus_one>(std::vector<int32_t>(size, rank)));
    }
    for (int rank = 0; rank < world->size(); ++rank) {
      const auto values = runtime.wait(futures[static_cast<size_t>(rank)]);
      ASSERT_EQ(values.size(), size);
      EXPECT_EQ(values.front(), rank + 1);
      EXPECT_EQ(values.back(), rank + 1);
    }
  }
  runtime.stop_all();
  meet(transport);
}

}  // namespace
}  // namespace srpo::actors

int main(int argc, char** argv) {
  srpo::comm::MpiSession session(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  srpo::comm::Communicator world = srpo::comm::Communicator::world();
  srpo::actors::world = &world;
  const int failed = RUN_ALL_TESTS();
  session.leave_with(failed);
  return failed;
}
