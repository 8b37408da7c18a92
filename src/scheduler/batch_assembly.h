// Which decided trees make a training batch.
#pragma once

#include "records/draw_plan.h"
#include "records/rollout_tree.h"

namespace srpo::scheduler {

/// Some chain that is trained on differs in reward from another of its group; without
/// that all advantages are zero, and the tree teaches nothing.
bool has_signal(const records::RolloutTree& tree, const records::DrawPlan& plan);

}  // namespace srpo::scheduler
