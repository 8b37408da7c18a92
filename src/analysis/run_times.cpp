#include "analysis/run_times.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "storage/replay_source.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

/// A finite number under the key, also one that is written as a text; 0 otherwise.
double number(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return 0;
  double value = 0;
  if (found->is_number()) value = found->get<double>();
  if (found->is_string()) value = std::strtod(found->get<std::string>().c_str(), nullptr);
  return std::isfinite(value) ? value : 0;
}

std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void add_line(const std::string& line, RunTimes& times) {
  ++times.num_lines;
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("step") ||
      !object["step"].is_number_integer()) {
    ++times.num_bad_lines;
    return;
  }
  times.warm_start_seconds += number(object, "warm_start/seconds");
  if (!object.contains("draw/seconds")) return;
  StepTime& step = times.steps[object["step"].get<int64_t>()];
  step.draw_seconds = number(object, "draw/seconds");
  step.train_seconds = number(object, "train/seconds");
  step.collective_seconds = number(object, "train/collective_seconds");
  step.trained_tokens = number(object, "train/tokens");
}

void read_metrics(const std::filesystem::path& path, RunTimes& times) {
  if (!std::filesystem::exists(path)) return;
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) {
    times.unread.push_back(path.string() + " cannot be read");
    return;
  }
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) add_line(line, times);
  }
}

void read_summary(const std::filesystem::path& path, RunTimes& times) {
  if (!std::filesystem::exists(path)) return;
  const json object = json::parse(core::read_file(path), nullptr, false);
  if (!object.is_object()) {
    times.unread.push_back(path.string() + " is no JSON object");
    return;
  }
  for (const json& row : object.value("stages of this start", json::array())) {
    if (row.is_object())
      times.stages.emplace_back(text(row, "stage"), number(row, "seconds"));
  }
  for (const json& row : object.value("ranks", json::array())) {
    if (!row.is_object()) continue;
    times.ranks.push_back(
        {static_cast<uint32_t>(std::clamp(number(row, "rank"), 0.0, 1e9)),
         text(row, "role"), number(row, "CPU seconds"), number(row, "peak memory, MB")});
  }
}

template <class Value>
double sum_of(const std::map<int64_t, StepTime>& steps, Value value) {
  double sum = 0;
  for (const auto& [step, time] : steps) sum += time.*value;
  return sum;
}

}  // namespace

double RunTimes::draw_seconds() const { return sum_of(steps, &StepTime::draw_seconds); }
double RunTimes::train_seconds() const { return sum_of(steps, &StepTime::train_seconds); }
double RunTimes::collective_seconds() const {
  return sum_of(steps, &StepTime::collective_seconds);
}
double RunTimes::trained_tokens() const {
  return sum_of(steps, &StepTime::trained_tokens);
}

std::optional<double> RunTimes::stage(const std::string& name) const {
  for (const auto& [stage, seconds] : stages) {
    if (stage == name) return seconds;
  }
  return std::nullopt;
}

std::optional<double> RunTimes::stage_total() const {
  if (stages.empty()) return std::nullopt;
  double sum = 0;
  for (const auto& [stage, seconds] : stages) sum += seconds;
  return sum;
}

RunTimes read_run_times(const std::filesystem::path& run) {
  const std::filesystem::path folder = storage::replay_folder_of(run).parent_path();
  RunTimes times;
  try {
    read_metrics(folder / "metrics.jsonl", times);
    read_summary(folder / "summary.json", times);
  } catch (const core::Error& error) {
    times.unread.emplace_back(error.what());
  } catch (const json::exception& error) {
    times.unread.push_back((folder / "summary.json").string() + ": " + error.what());
  }
  return times;
}

}  // namespace srpo::analysis
