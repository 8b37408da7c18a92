#include "analysis/dashboard_data.h"

#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "analysis/activity.h"
#include "analysis/run_scan.h"
#include "core/error.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

constexpr size_t kMostNotes = 20;
constexpr size_t kMostJobBytes = 65536;

std::string text_of(const json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : "";
}

std::string name_of_folder(const std::filesystem::path& run) {
  const auto folder = std::filesystem::absolute(run).lexically_normal();
  return (folder.has_filename() ? folder : folder.parent_path()).filename().string();
}

void read_status(const std::filesystem::path& file, RunDescription& about) {
  std::ifstream stream(file);
  if (!stream) return;
  const json status = json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!status.is_object()) {
    about.notes.push_back(file.string() + " is no JSON object");
    return;
  }
  about.state = text_of(status, "state");
  about.reason = text_of(status, "reason");
}

std::string counted(uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what;
}

void note_losses(const storage::ReplayReader& reader, std::vector<std::string>& notes) {
  size_t told = 0;
  for (const auto& file : reader.damaged()) {
    if (++told <= kMostNotes) notes.push_back("left out: " + file.reason);
  }
  if (told > kMostNotes)
    notes.push_back("left out: " + counted(told - kMostNotes, "more files"));
  if (reader.num_lost_trees() > 0)
    notes.push_back(counted(reader.num_lost_trees(), "accepted trees cannot be read"));
  if (reader.num_lost_records() > 0)
    notes.push_back(
        counted(reader.num_lost_records(), "records of a damaged journal are lost"));
  if (reader.num_retired_trees() > 0)
    notes.push_back(
        counted(reader.num_retired_trees(), "trees were removed by replay.keep"));
  if (!reader.dropped().empty())
    notes.push_back(
        counted(reader.dropped().size(), "problems were given up by the run"));
}

/// Times of the steps, laid end to end: when a stage began was not recorded.
json durations(const RunCollector& collector) {
  const json metrics = collector.metrics();
  const auto draw = metrics.find("draw/seconds");
  const auto train = metrics.find("train/seconds");
  if (draw == metrics.end() || train == metrics.end()) return nullptr;
  json stages = json::array();
  double at = 0;
  const size_t count = std::min((*draw)["step"].size(), (*train)["step"].size());
  const auto add = [&](const char* name, const json& series, size_t i) {
    const double seconds = series["value"][i].get<double>();
    stages.push_back({{"name", name},
                      {"from", json_rounded(at)},
                      {"to", json_rounded(at + seconds)},
                      {"step", series["step"][i]}});
    at += seconds;
  };
  for (size_t i = 0; i < count; ++i) {
    add("drawing", *draw, i);
    add("training", *train, i);
  }
  if (at <= 0) return nullptr;
  return {{"kind", "durations"},
          {"seconds", json_rounded(at)},
          {"starts", {0}},
          {"stages", std::move(stages)},
          {"rows", json::array()}};
}

}  // namespace

void collect_trees(storage::ReplayReader& reader, RunCollector& collector,
                   std::vector<std::string>& notes) {
  while (const auto tree = reader.next()) {
    TreeDigest digest = digest_of(*tree, false);
    if (collector.wants_text(digest)) digest = digest_of(*tree, true);
    collector.add(std::move(digest));
  }
  note_losses(reader, notes);
}

void collect_metrics(const std::filesystem::path& file, RunCollector& collector,
                     std::vector<std::string>& notes) {
  std::ifstream lines(file);
  std::string text;
  size_t damaged = 0;
  while (std::getline(lines, text)) {
    const json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool is_read =
        line.is_object() && line.contains("step") && line["step"].is_number_integer();
    if (!is_read) {
      if (!lines.eof()) ++damaged;  // the last one may be half written
      continue;
    }
    std::map<std::string, double> values;
    for (const auto& [name, value] : line.items()) {
      if (name != "step" && value.is_number()) values[name] = value.get<double>();
    }
    collector.add_metrics(line["step"].get<int64_t>(), values);
  }
  if (damaged > 0)
    notes.push_back(counted(damaged, "lines of " + file.string() + " cannot be read"));
}

std::string without_secrets(const std::string& job_yaml) {
  std::istringstream lines(job_yaml);
  std::string result;
  std::string line;
  while (std::getline(lines, line)) {
    const size_t at = line.find("token:");
    const bool is_secret =
        at != std::string::npos &&
        (at == 0 || std::string(" {,").find(line[at - 1]) != std::string::npos);
    result += is_secret ? line.substr(0, at) + "token: (not shown)" : line;
    result += "\n";
  }
  return result;
}

json run_document(const RunCollector& collector, const RunDescription& about,
                  json activity) {
  return {{"name", about.name},
          {"folder", about.folder},
          {"state", about.state},
          {"reason", about.reason},
          {"job", shortened(without_secrets(about.job_yaml), kMostJobBytes)},
          {"digest", about.job_digest},
          {"notes", about.notes},
          {"totals", collector.totals()},
          {"steps", collector.steps()},
          {"validation", collector.validation()},
          {"resets", collector.resets()},
          {"metrics", collector.metrics()},
          {"timeline", activity.is_null() ? durations(collector) : std::move(activity)},
          {"generators", collector.generators()},
          {"trees", collector.trees()}};
}

json read_run_document(const std::filesystem::path& run, const CollectorLimits& limits) {
  const std::filesystem::path replay = replay_folder_of(run);
  const std::filesystem::path folder = replay == run ? replay.parent_path() : run;
  RunCollector collector(limits);
  RunDescription about;
  about.name = name_of_folder(run);
  about.folder = run.string();
  storage::ReplayReader reader(replay);
  collect_trees(reader, collector, about.notes);
  about.job_digest = reader.job_digest();
  if (reader.metadata()) about.job_yaml = reader.metadata()->job_yaml;
  read_status(folder / "status.json", about);
  collect_metrics(folder / "metrics.jsonl", collector, about.notes);
  size_t damaged = 0;
  const std::vector<RunStart> starts = read_activity(folder / "activity.jsonl", &damaged);
  if (damaged > 0)
    about.notes.push_back(counted(damaged, "lines of activity.jsonl cannot be read"));
  if (collector.num_trees() == 0) about.notes.emplace_back("no tree is recorded yet");
  return run_document(collector, about, activity_json(starts));
}

}  // namespace srpo::analysis
