// Rollout trees for other programs.
#pragma once

#include <functional>
#include <string>

#include "analysis/table.h"
#include "records/rollout_tree.h"

namespace srpo::analysis {

/// All fields of a tree as one JSON object without line feeds; enumerators by name, an
/// absent localization as null, numbers that are not finite as null.
std::string tree_json(const records::RolloutTree& tree);

/// An empty table with one column for each scalar fact of a trajectory, its advantage
/// within its group included.
Table trajectory_table();
/// Adds a row for each trajectory of the tree that is wanted; all of them without
/// `wanted`.
void add_trajectories(Table& table, const records::RolloutTree& tree,
                      const std::function<bool(const records::Trajectory&)>& wanted = {});

}  // namespace srpo::analysis
