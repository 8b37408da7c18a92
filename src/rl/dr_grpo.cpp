#include "rl/dr_grpo.h"

#include "rl/fresh_groups.h"

namespace srpo::rl {

std::unique_ptr<Algorithm> make_dr_grpo(const core::ConfigTable& options) {
  FreshGroupOptions defaults;
  defaults.loss.weighting = LossRule::Weighting::kConstant;
  defaults.loss.constant_length = 5120;
  defaults.loss.clip = 0.2;
  defaults.credit.advantage = {Deviation::kNone, 0, 0};
  return std::make_unique<FreshGroups>(read_fresh_groups(options, defaults));
}

}  // namespace srpo::rl
