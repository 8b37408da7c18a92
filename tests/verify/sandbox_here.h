// Skips what this machine cannot confine: containers without user namespaces, say.
#pragma once

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "core/error.h"
#include "verify/sandbox.h"

namespace srpo::verify {

/// Why there is no such rung here ("auto": none at all), "" if there is.
inline const std::string& why_no_rung(const std::string& rung) {
  static std::map<std::string, std::string> known;
  const auto at = known.find(rung);
  if (at != known.end()) return at->second;
  SandboxConfig config;
  config.slots = 1;
  config.rung = rung;
  config.allow_weak = rung == "C";
  std::string& reason = known[rung];
  try {
    const Sandbox sandbox(config);
  } catch (const core::Error& error) {
    reason = error.what();
  }
  return reason;
}

/// Tests that need a sandbox.
class SandboxedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_rung("auto").empty()) GTEST_SKIP() << why_no_rung("auto");
  }
};

}  // namespace srpo::verify
