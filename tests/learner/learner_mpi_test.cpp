#include "comm/mpi_process_group.h"
#include "learner_checks.h"

namespace srpo::learner {
namespace {

void train_two_batches(Learner& learner, comm::ProcessGroup&) {
  for (uint64_t batch = 0; batch < 2; ++batch) learner.train(random_trees(9, batch), {});
}

class MpiLearnerOf : public testing::TestWithParam<bool> {};

TEST_P(MpiLearnerOf, HasTheBitsOfThreads) {
  comm::MpiProcessGroup group(MPI_COMM_WORLD, std::chrono::seconds(60));
  Learner learner(tiny_learner(GetParam()), tiny_model(),
                  model::make_initial_weights(tiny_model(), 1), group);
  train_two_batches(learner, group);
  const auto over_mpi = learner.trainable_weights();
  const auto over_threads =
      train_on(group.size(), tiny_learner(GetParam()), train_two_batches);
  EXPECT_EQ(largest_difference(over_mpi, over_threads), 0);
}

INSTANTIATE_TEST_SUITE_P(Adapter, MpiLearnerOf, testing::Bool());

}  // namespace
}  // namespace srpo::learner

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  MPI_Finalize();
  return failed;
}
