// The document behind a run's page, from what lies in its folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/run_collector.h"
#include "storage/replay_reader.h"

namespace srpo::analysis {

/// What a document says beside the numbers of a collector.
struct RunDescription {
  std::string name;
  std::string folder;
  std::string state;  ///< as status.json has it; "" when unknown
  std::string reason;
  std::string job_yaml;
  std::string job_digest;
  std::vector<std::string> notes;  ///< what could not be read, or is not shown
};

/// Streams all trees of a folder into a collector; `notes` gets a sentence for each thing
/// that could not be read.
void collect_trees(storage::ReplayReader& reader, RunCollector& collector,
                   std::vector<std::string>& notes);

/// Adds the lines of metrics.jsonl; those that are none are counted in a note.
void collect_metrics(const std::filesystem::path& file, RunCollector& collector,
                     std::vector<std::string>& notes);

/// One run's document. `activity`: of activity_json; null: the durations of metrics.jsonl
/// are laid end to end.
nlohmann::json run_document(const RunCollector& collector, const RunDescription& about,
                            nlohmann::json activity);

/// The document of a run folder, or of a replay folder alone. What is damaged is told in
/// `notes`. Throws kBadInput when it is neither.
nlohmann::json read_run_document(const std::filesystem::path& run,
                                 const CollectorLimits& limits = {});

/// The job file without what it says under `dashboard.token`.
std::string without_secrets(const std::string& job_yaml);

}  // namespace srpo::analysis
