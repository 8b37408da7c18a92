#include "rl/gspo.h"

#include "rl/fresh_groups.h"

namespace srpo::rl {

std::unique_ptr<Algorithm> make_gspo(const core::ConfigTable& options) {
  FreshGroupOptions defaults;
  defaults.loss.weighting = LossRule::Weighting::kSequence;
  defaults.loss.clip = 3e-4;
  defaults.loss.clip_high = 4e-4;
  defaults.loss.bare_ratio = true;
  defaults.loss.sequence_ratio = true;
  defaults.credit.advantage = {Deviation::kSample, 0, 1e-6};
  return std::make_unique<FreshGroups>(read_fresh_groups(options, defaults));
}

}  // namespace srpo::rl
