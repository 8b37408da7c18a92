// What a run has come to: accuracy, rewards, resets, lengths.
#pragma once

#include <vector>

#include "analysis/run_scan.h"
#include "analysis/table.h"

namespace srpo::analysis {

/// Validation accuracy by policy version, with Wilson's 95 % interval.
Table validation_table(const RunScan& scan);

/// Measures of the whole run, one a row: name, value, of how many.
Table measures_table(const RunScan& scan);

/// One row a step.
Table steps_table(const RunScan& scan);

/// validation_table and measures_table, and steps_table when asked for.
std::vector<Table> summary_report(const RunScan& scan, bool per_step);

}  // namespace srpo::analysis
