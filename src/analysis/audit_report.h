// Whether everything that a run accepted can be read, once each.
#pragma once

#include <vector>

#include "analysis/run_scan.h"
#include "analysis/table.h"

namespace srpo::analysis {

/// The ledger (one row), the files that cannot be read, and the trees of each step.
/// `missing_slots`: slots of a step below its highest one that have no training tree.
std::vector<Table> audit_report(const RunScan& scan);

/// Nothing damaged, nothing repeated across shards.
bool is_intact(const RunScan& scan);

}  // namespace srpo::analysis
