#include <thread>

#include "comm/mpi_process_group.h"
#include "core/deadline.h"
#include "core/error.h"
#include "process_group_checks.h"

namespace srpo::comm {
namespace {

using std::chrono::milliseconds;

TEST(MpiProcessGroup, DoesWhatEveryGroupMust) {
  MpiProcessGroup group(MPI_COMM_WORLD, milliseconds(20000));
  EXPECT_EQ(group.backend(), "mpi");
  check_process_group(group);
}

TEST(MpiProcessGroup, SplitsLargeMessagesWithoutChangingTheResult) {
  MpiProcessGroup group(MPI_COMM_WORLD, milliseconds(20000));
  group.set_largest_message(13);
  check_process_group(group);
}

TEST(MpiProcessGroup, NamesTheOperationWhenAPeerDoesNotCome) {
  MPI_Comm spoilt = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &spoilt);
  MpiProcessGroup group(spoilt, milliseconds(100));
  if (group.size() > 1 && group.rank() == 0) {
    try {
      group.barrier();
      ADD_FAILURE() << "the barrier ended without its peers";
    } catch (const core::Error& error) {
      EXPECT_EQ(error.kind(), core::ErrorKind::kPeerLost);
      EXPECT_THAT(error.what(), testing::HasSubstr("barrier on rank 0"));
      EXPECT_THAT(error.what(), testing::HasSubstr("within 100 ms"));
    }
  }
  // The communicator is never freed: a pending operation is on it.
  MPI_Barrier(MPI_COMM_WORLD);
}

}  // namespace
}  // namespace srpo::comm

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  MPI_Finalize();
  return failed;
}
