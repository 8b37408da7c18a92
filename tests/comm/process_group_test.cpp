#include <functional>
#include <string>
#include <thread>

#include "comm/local_process_group.h"
#include "comm/nccl_loader.h"
#include "comm/self_process_group.h"
#include "core/error.h"
#include "process_group_checks.h"

namespace srpo::comm {
namespace {

TEST(SelfProcessGroup, DoesWhatEveryGroupMust) {
  SelfProcessGroup group;
  EXPECT_EQ(group.backend(), "self");
  check_process_group(group);
}

class LocalGroupOf : public testing::TestWithParam<int> {};

TEST_P(LocalGroupOf, DoesWhatEveryGroupMust) {
  auto ranks = make_local_group(GetParam());
  std::vector<std::jthread> threads;
  for (auto& rank : ranks) {
    threads.emplace_back([&rank] {
      for (int round = 0; round < 20; ++round) check_process_group(*rank);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, LocalGroupOf, testing::Values(1, 2, 3, 4));

std::string failure_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kPeerLost);
    return error.what();
  }
  return "";
}

TEST(LocalProcessGroup, NamesTheOperationWhenAPeerDoesNotCome) {
  auto ranks = make_local_group(2, std::chrono::milliseconds(30));
  const std::string message = failure_of([&] { ranks[1]->barrier(); });
  EXPECT_THAT(message, testing::HasSubstr("barrier on rank 1 of 2"));
  EXPECT_THAT(message, testing::HasSubstr("1 of 2 ranks came within 30 ms"));
  EXPECT_THAT(failure_of([&] { ranks[0]->barrier(); }),
              testing::HasSubstr("barrier on rank 0"));
}

TEST(LocalProcessGroup, WakesThoseWaitingForAPeerThatIsGone) {
  auto ranks = make_local_group(2);
  std::jthread leaver([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ranks[1].reset();
  });
  std::vector<double> values(1);
  EXPECT_THAT(failure_of([&] { ranks[0]->all_reduce_sum(values); }),
              testing::HasSubstr("rank 1 left the group"));
}

TEST(NcclLoader, SaysWhatIsMissing) {
  SelfProcessGroup self;
  try {
    load_nccl_process_group("/nonexistent/libsrpo_nccl.so", self, 0,
                            std::chrono::seconds(1));
    FAIL() << "loaded a library that is not there";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig);
    EXPECT_THAT(error.what(), testing::HasSubstr("libsrpo_nccl.so"));
    EXPECT_THAT(error.what(), testing::HasSubstr("SRPO_CUDA"));
  }
}

}  // namespace
}  // namespace srpo::comm
