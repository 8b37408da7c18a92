#include "rl/dapo.h"

#include "core/error.h"
#include "rl/algorithm_options.h"
#include "rl/fresh_groups.h"

namespace srpo::rl {
namespace {

LengthPenalty read_length_penalty(const core::ConfigTable& options) {
  LengthPenalty length;
  length.buffer = read_count(options, "overlong_buffer", 0, 0, 1 << 24);
  if (length.buffer == 0) return length;
  REQUIRE(options.has("overlong_limit"), kBadConfig,
          options.place("overlong_limit")
              << " is missing (expected the tokens of a response at most, beside "
                 "overlong_buffer)");
  length.limit = read_count(options, "overlong_limit", 0, length.buffer, 1 << 24);
  length.penalty = options.number("overlong_penalty", 1.0, 0, 100);
  return length;
}

}  // namespace

std::unique_ptr<Algorithm> make_dapo(const core::ConfigTable& options) {
  FreshGroupOptions defaults;
  defaults.loss.weighting = LossRule::Weighting::kToken;
  defaults.loss.clip = 0.2;
  defaults.loss.clip_high = 0.28;
  defaults.credit.advantage = {Deviation::kSample, 0, 1e-6};
  FreshGroupOptions read = read_fresh_groups(options, defaults);
  read.length = read_length_penalty(options);
  return std::make_unique<FreshGroups>(read);
}

}  // namespace srpo::rl
