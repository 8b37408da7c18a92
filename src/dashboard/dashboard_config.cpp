#include "dashboard/dashboard_config.h"

#include <cstdlib>

#include <boost/asio/ip/address.hpp>

#include "core/error.h"

namespace srpo::dashboard {
namespace {

constexpr size_t kShortestToken = 12;

bool is_plain(const std::string& token) {
  for (const char c : token) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_other = (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    if (!is_letter && !is_other) return false;
  }
  return true;
}

bool names_environment(const std::string& token) { return token.rfind('$', 0) == 0; }

void require_good(const std::string& token, const std::string& place) {
  REQUIRE(token.size() >= kShortestToken && is_plain(token), kBadConfig,
          place << " (expected at least " << kShortestToken
                << " letters, digits, '-', '_' and '.', or $NAME of the environment)");
}

std::string read_token(const core::ConfigTable& table) {
  std::string token = table.text("token", "");
  if (!token.empty() && !names_environment(token))
    require_good(token, table.place("token"));
  return token;
}

}  // namespace

DashboardConfig DashboardConfig::read(const core::ConfigTable& job) {
  DashboardConfig config;
  const core::ConfigTable table = job.section("dashboard");
  config.serves = table.has("port");
  if (config.serves) {
    config.port = static_cast<uint16_t>(table.integer("port", 8265, 0, 65535));
    config.host = table.text("host", "127.0.0.1");
    config.token = read_token(table);
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(config.host, error);
    REQUIRE(!error, kBadConfig,
            table.place("host") << " = " << config.host
                                << " (expected an address as 127.0.0.1 or 0.0.0.0)");
    REQUIRE(address.is_loopback() || !config.token.empty(), kBadConfig,
            table.place("host") << " = " << config.host
                                << " needs dashboard.token, for other machines reach it");
  }
  config.activity = table.boolean("activity", true);
  config.tensorboard = table.boolean("tensorboard", false);
  return config;
}

DashboardConfig DashboardConfig::with_token_of_environment() const {
  DashboardConfig config = *this;
  if (!names_environment(token)) return config;
  const char* value = std::getenv(token.c_str() + 1);
  REQUIRE(value != nullptr, kBadConfig,
          "dashboard.token = " << token << " (the environment has no such name)");
  require_good(value, "dashboard.token, what the environment has as " + token.substr(1));
  config.token = value;
  return config;
}

}  // namespace srpo::dashboard
