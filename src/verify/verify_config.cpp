#include "verify/verify_config.h"

#include <algorithm>
#include <thread>

namespace srpo::verify {

VerifyConfig VerifyConfig::read(const core::ConfigTable& job) {
  VerifyConfig config;
  const core::ConfigTable verify = job.section("verify");
  config.workers = static_cast<uint32_t>(verify.integer("workers", 0, 0, 1024));
  const std::string mode =
      verify.choice("math", "strict", {"strict", "equivalence", "both"});
  config.math = mode == "equivalence" ? MathMode::kEquivalence
                : mode == "both"      ? MathMode::kBoth
                                      : MathMode::kStrict;
  MathOptions& math = config.math_options;
  math.decimal_places = static_cast<int>(
      verify.integer("decimal_places", math.decimal_places, 1, 1'000'000));
  math.last_expression = verify.boolean("last_expression", math.last_expression);
  math.decimal_comma = verify.boolean("decimal_comma", math.decimal_comma);
  math.percent_is_unit = verify.boolean("percent_is_unit", math.percent_is_unit);
  if (verify.has("command")) {
    config.command = CommandConfig::read(verify.section("command"));
  }
  config.languages = read_languages(job.section("code").sections("languages"));
  config.sandbox = SandboxConfig::read(job.section("sandbox"));
  return config;
}

uint32_t VerifyConfig::num_workers() const {
  return workers > 0 ? workers : std::max(1U, std::thread::hardware_concurrency());
}

SandboxConfig VerifyConfig::sandbox_for_workers() const {
  SandboxConfig sized = sandbox;
  if (sized.slots == 0) sized.slots = num_workers();
  return sized;
}

}  // namespace srpo::verify
