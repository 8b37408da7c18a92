#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "rl/algorithm.h"

namespace srpo::rl {
namespace {

TEST(MakeAlgorithm, BuildsEveryAlgorithmByName) {
  for (const char* name : {"srpo", "rrpo", "grpo", "grpo_srpo_loss"}) {
    const auto options =
        core::ConfigTable::parse("name: " + std::string(name), "job.yaml");
    EXPECT_NE(make_algorithm(options), nullptr) << name;
    options.refuse_unknown_keys();
  }
}

TEST(MakeAlgorithm, RefusesAnUnknownNameAndListsTheKnownOnes) {
  try {
    make_algorithm(core::ConfigTable::parse("name: ppo", "job.yaml"));
    FAIL() << "no error";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig);
    EXPECT_STREQ(
        error.what(),
        "job.yaml:1: name = 'ppo' (expected one of srpo, rrpo, grpo, grpo_srpo_loss)");
  }
}

TEST(MakeAlgorithm, LeavesAnOptionOfAnotherAlgorithmUnasked) {
  const auto options =
      core::ConfigTable::parse("{name: grpo, mask_prefix: true}", "job.yaml");
  make_algorithm(options);
  EXPECT_THROW(options.refuse_unknown_keys(), core::Error);
}

}  // namespace
}  // namespace srpo::rl
