// Whether everything that a run accepted can be read, once each, and is what it should
// be.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "analysis/run_scan.h"
#include "analysis/table.h"

namespace srpo::analysis {

struct RunAudit {
  RunScan scan;
  uint64_t num_trajectories = 0;  ///< looked at
  uint64_t assigned = 0;          ///< problems of finished steps; 0: the job is not known
  uint64_t num_violations = 0;
  std::vector<std::string> violations;  ///< a sentence each; the first 1000
};

/// Reads the whole run in the memory of one shard: length and digest of every file, every
/// promise of tree_audit.h, and the closing sum: problems of finished steps = accepted +
/// dropped. Looks at status.json and the job file where they are.
RunAudit audit_run(const std::filesystem::path& run);

/// The ledger (one row), the violations, the files that cannot be read, and the trees of
/// each step. `missing_slots`: slots of a step below its highest one that have no
/// training tree.
std::vector<Table> audit_report(const RunAudit& audit);

/// Nothing damaged, nothing repeated, nothing lost, nothing violated.
bool is_intact(const RunAudit& audit);

}  // namespace srpo::analysis
