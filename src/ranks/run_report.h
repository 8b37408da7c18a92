// The end of a run: its results as a table, a picture, and files in the run folder.
#pragma once

#include <vector>

#include "ranks/protocol.h"
#include "ranks/run_config.h"
#include "ranks/scheduler_rank.h"
#include "storage/run_folder.h"

namespace srpo::ranks {

/// Writes summary.txt, summary.json and curve.svg from the shards and from what the ranks
/// say of themselves, and prints the text to standard output.
void save_and_print_report(const RunConfig& config, const storage::RunFolder& folder,
                           const SchedulerRank& scheduler,
                           const std::vector<RankUsage>& usage);

/// The text of a run that was complete before.
void print_saved_report(const storage::RunFolder& folder);

}  // namespace srpo::ranks
