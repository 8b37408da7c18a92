// A dumped training step as tables.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "analysis/table.h"

namespace srpo::analysis {

struct StepReportOptions {
  std::optional<uint32_t> step;  ///< all dumped steps when absent
  uint64_t most_tokens = 0;  ///< rows of the table of tokens, worst loss first; 0: none
};

/// `updates` (gradient norm of each layer), `micro_batches`, `sequences` (loss, mean
/// log-probability, distance to sampling) and, if wanted, `tokens`. Throws kBadInput when
/// the run has no such dump, kBadFile when one is damaged.
std::vector<Table> step_report(const std::filesystem::path& run_folder,
                               const StepReportOptions& options);

}  // namespace srpo::analysis
