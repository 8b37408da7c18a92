// The detector of failed ranks under mpirun, and where the ranks are.
#include <gtest/gtest.h>

#include "comm/host_layout.h"
#include "comm/recovery.h"
#include "comm/ulfm_detector.h"

namespace srpo::comm {
namespace {

TEST(UlfmDetector, SaysWhyItIsNotAvailableOrReportsNobody) {
  const Communicator world = Communicator::world();
  UlfmDetector detector(world.handle());
  EXPECT_TRUE(detector.poll().empty());
  if (!detector.is_available()) EXPECT_FALSE(detector.why_not().empty());
}

TEST(HostLayout, SeesThatAllRanksShareThisMachine) {
  EXPECT_TRUE(is_on_one_host(Communicator::world()));
}

}  // namespace
}  // namespace srpo::comm
