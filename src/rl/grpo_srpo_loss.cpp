#include "rl/grpo_srpo_loss.h"

#include "rl/fresh_groups.h"

namespace srpo::rl {

std::unique_ptr<Algorithm> make_grpo_srpo_loss(const core::ConfigTable& options) {
  return std::make_unique<FreshGroups>(read_fresh_groups(options, {}));
}

}  // namespace srpo::rl
