#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "rl/algorithm.h"

namespace srpo::rl {
namespace {

TEST(MakeAlgorithm, BuildsEveryAlgorithmByName) {
  EXPECT_EQ(algorithm_names().size(), 11U);
  for (const std::string& name : algorithm_names()) {
    const auto options = core::ConfigTable::parse("name: " + name, "job.yaml");
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
        "job.yaml:1: name = 'ppo' (expected one of srpo, rrpo, grpo, grpo_srpo_loss, "
        "dapo, dr_grpo, gspo, reinforce_pp, score, critique_grpo, spo_tree)");
  }
}

TEST(MakeAlgorithm, LeavesAnOptionOfAnotherAlgorithmUnasked) {
  const auto options =
      core::ConfigTable::parse("{name: grpo, mask_prefix: true}", "job.yaml");
  make_algorithm(options);
  EXPECT_THROW(options.refuse_unknown_keys(), core::Error);
}

TEST(MakeAlgorithm, NamesTheNearestKnownOptionForAnUnknownOne) {
  const auto options =
      core::ConfigTable::parse("{name: dapo, clip_hihg: 0.3}", "job.yaml");
  make_algorithm(options);
  try {
    options.refuse_unknown_keys();
    FAIL() << "no error";
  } catch (const core::Error& error) {
    EXPECT_EQ(error.kind(), core::ErrorKind::kBadConfig);
    EXPECT_NE(std::string(error.what()).find("clip_high"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace srpo::rl
