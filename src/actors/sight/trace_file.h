// The rings of all ranks as one Chrome/Perfetto trace (ui.perfetto.dev,
// chrome://tracing).
#pragma once

#include <filesystem>
#include <vector>

#include "actors/sight/trace_recorder.h"
#include "actors/task.h"

namespace srpo::actors {

class Runtime;

/// Asks every rank for its ring and its clock. Ranks that do not answer in `longest` are
/// left out, and a line of the log says so. `runtime` must outlive the task.
Task<std::vector<RankTrace>> collect_traces(Runtime& runtime,
                                            std::chrono::nanoseconds longest);

/// JSON: one process a rank; tracks for the calls it made, what ran on its reactor, the
/// answers it gave; calls served, tasks and fetches as spans; arrows from each call to
/// its run and from the answer to whoever waited. Times are process 0's, from the first
/// event. Spans that have no end in the ring end with it; arrows have both ends.
std::string trace_json(const std::vector<RankTrace>& traces);
/// Throws kBadFile or kNoSpace when it cannot be written.
void write_trace(const std::filesystem::path& path, const std::vector<RankTrace>& traces);

}  // namespace srpo::actors
