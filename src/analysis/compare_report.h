// Several runs beside one another.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "analysis/curve_svg.h"
#include "analysis/run_identity.h"
#include "analysis/run_scan.h"
#include "analysis/table.h"

namespace srpo::analysis {

/// One of them.
struct ComparedRun {
  std::string name;
  RunIdentity identity;
  RunScan scan;
  uint32_t last_version = 0;  ///< of the policy that was validated last
  std::map<std::string, bool>
      solved;  ///< validation problems of that version, by id and question
};

/// Memory: a row a step, and the validation problems of one policy version.
ComparedRun read_compared(const std::filesystem::path& run);

/// `measures` (a row a measure, a column a run), `validation` (accuracy by version with
/// Wilson intervals), and `paired` (each run against the first on the validation problems
/// that both have: exact McNemar test of their last versions). Runs of the same name are
/// numbered.
std::vector<Table> compare_tables(const std::vector<ComparedRun>& runs);

/// Validation accuracy of each run with its band; mean base rewards where there is none.
std::string compare_svg(const std::vector<ComparedRun>& runs);

}  // namespace srpo::analysis
