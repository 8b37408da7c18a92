#include "rl/grpo.h"

#include "rl/fresh_groups.h"

namespace srpo::rl {

std::unique_ptr<Algorithm> make_grpo(const core::ConfigTable& options) {
  FreshGroupOptions defaults;
  defaults.loss.weighting = LossRule::Weighting::kToken;
  defaults.loss.clip = 0.2;
  defaults.loss.dual_clip = 3;
  defaults.credit.advantage = {Deviation::kSample, 0, 1e-6};
  return std::make_unique<FreshGroups>(read_fresh_groups(options, defaults));
}

}  // namespace srpo::rl
