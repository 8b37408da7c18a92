#include "dashboard/dashboard_config.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace srpo::dashboard {
namespace {

DashboardConfig read(const std::string& yaml) {
  return DashboardConfig::read(core::ConfigTable::parse(yaml, "job.yaml"));
}

void refuse(const std::string& yaml, const std::string& part) {
  test::expect_error(core::ErrorKind::kBadConfig, part, [&] { read(yaml); });
}

TEST(DashboardConfig, ServesOnlyWhenAPortIsGivenAndThenOnLoopback) {
  EXPECT_FALSE(read("run: {}").serves);
  const DashboardConfig config = read("dashboard: {port: 8265}");
  EXPECT_TRUE(config.serves);
  EXPECT_EQ(config.host, "127.0.0.1");
  EXPECT_EQ(config.port, 8265);
  EXPECT_TRUE(config.activity);
  EXPECT_FALSE(config.tensorboard);
}

TEST(DashboardConfig, WantsATokenWhereOtherMachinesReachIt) {
  refuse("dashboard: {port: 1, host: 0.0.0.0}", "needs dashboard.token");
  refuse("dashboard: {port: 1, host: '::'}", "needs dashboard.token");
  EXPECT_TRUE(read("dashboard: {port: 1, host: 0.0.0.0, token: abcdefghijkl}").serves);
  EXPECT_TRUE(read("dashboard: {port: 1, host: '::1'}").serves);
}

TEST(DashboardConfig, RefusesWhatCannotWork) {
  refuse("dashboard: {port: 70000}", "dashboard.port");
  refuse("dashboard: {port: 1, host: example.org}", "expected an address");
  refuse("dashboard: {port: 1, token: short}", "at least 12");
  refuse("dashboard: {port: 1, token: 'twelve; or more'}", "letters, digits");
}

TEST(DashboardConfig, TakesTheTokenOfTheEnvironment) {
  const DashboardConfig config = read("dashboard: {port: 1, token: $SRPO_TEST_TOKEN}");
  ::unsetenv("SRPO_TEST_TOKEN");
  test::expect_error(core::ErrorKind::kBadConfig, "no such name",
                     [&] { config.with_token_of_environment(); });
  ::setenv("SRPO_TEST_TOKEN", "from-the-environment", 1);
  EXPECT_EQ(config.with_token_of_environment().token, "from-the-environment");
  ::unsetenv("SRPO_TEST_TOKEN");
}

}  // namespace
}  // namespace srpo::dashboard
