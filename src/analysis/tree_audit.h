// What must hold within one rollout tree, whoever drew it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "records/rollout_tree.h"

namespace srpo::analysis {

/// A sentence for each promise that the tree breaks: ids name its step, slot and list,
/// each once; the key and stream of each trajectory's randomness are the run's seed and
/// its id; parents are in the tree and begin as their children do; version spans cover
/// what was sampled, with versions that do not fall; lengths agree. `run_seed`: not
/// checked when null.
std::vector<std::string> audit_tree(const records::RolloutTree& tree,
                                    const uint64_t* run_seed);

}  // namespace srpo::analysis
