// What of a run could not be read, named and counted.
#pragma once

#include <string>
#include <vector>

#include "analysis/run_scan.h"
#include "analysis/table.h"

namespace srpo::analysis {

/// `unread`: a row for each file that is damaged, of another run or of an unknown
/// version, with the reason; then what is missing for it.
Table unread_table(const RunScan& scan);

/// Whether everything that was recorded could be read.
bool is_complete(const RunScan& scan);

/// A sentence when there is no tree to analyse, and why; empty otherwise.
std::string nothing_sentence(const RunScan& scan);

}  // namespace srpo::analysis
