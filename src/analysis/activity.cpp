#include "analysis/activity.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

#include <nlohmann/json.hpp>

#include "analysis/run_collector.h"

namespace srpo::analysis {
namespace {

using nlohmann::json;

constexpr size_t kMostColumns = 240;
constexpr size_t kMostRows = 64;
constexpr size_t kMostStages = 800;
constexpr size_t kMostRanks = 65536;

/// A moment to a millisecond.
double to_milliseconds(double seconds) { return std::round(seconds * 1000) / 1000; }

/// False when the line is none of ours.
bool add_line(const json& line, std::vector<RunStart>& starts) {
  if (line.contains("activity")) {
    RunStart start;
    start.at = line.at("at").get<double>();
    start.roles = line.at("roles").get<std::vector<std::string>>();
    if (start.roles.size() > kMostRanks) return false;
    starts.push_back(std::move(start));
    return true;
  }
  if (starts.empty()) return false;
  if (line.contains("stage")) {
    starts.back().stages.push_back({line.at("at").get<double>(),
                                    line.at("stage").get<std::string>(),
                                    line.at("step").get<int64_t>()});
    return true;
  }
  BusySpan span{line.at("from").get<double>(), line.at("until").get<double>(), {}};
  for (const json& percent : line.at("busy"))
    span.percent.push_back(static_cast<uint8_t>(std::clamp(percent.get<int>(), 0, 100)));
  if (span.percent.size() > kMostRanks || !(span.until >= span.from)) return false;
  starts.back().busy.push_back(std::move(span));
  return true;
}

/// A stage on the axis of a picture: seconds of running time from its left end.
struct Segment {
  double from;
  double to;
  std::string stage;
  int64_t step;
};

/// Starts one after another, without the time between them.
class Axis {
 public:
  explicit Axis(const std::vector<RunStart>& starts) {
    for (const RunStart& start : starts) {
      offsets_.push_back(length_ - start.at);
      begins_.push_back(length_);
      length_ += std::max(0.0, start.end() - start.at);
    }
  }
  double length() const { return length_; }
  double at(size_t start, double moment) const {
    return std::clamp(moment + offsets_[start], 0.0, length_);
  }
  const std::vector<double>& begins() const { return begins_; }

 private:
  std::vector<double> offsets_;
  std::vector<double> begins_;
  double length_ = 0;
};

std::vector<Segment> segments_of(const std::vector<RunStart>& starts, const Axis& axis) {
  std::vector<Segment> segments;
  for (size_t s = 0; s < starts.size(); ++s) {
    const auto& stages = starts[s].stages;
    for (size_t i = 0; i < stages.size(); ++i) {
      if (stages[i].stage.empty()) continue;
      const double until = i + 1 < stages.size() ? stages[i + 1].at : starts[s].end();
      segments.push_back(
          {axis.at(s, stages[i].at), axis.at(s, until), stages[i].stage, stages[i].step});
    }
  }
  return segments;
}

/// Of many stages, those that fill most of each of kMostStages columns.
std::vector<Segment> thinned(const std::vector<Segment>& segments, double length) {
  if (segments.size() <= kMostStages) return segments;
  std::vector<Segment> thin;
  size_t next = 0;
  for (size_t column = 0; column < kMostStages; ++column) {
    const double from = length * static_cast<double>(column) / kMostStages;
    const double to = length * static_cast<double>(column + 1) / kMostStages;
    std::map<std::string, double> cover;
    while (next < segments.size() && segments[next].to <= from) ++next;
    int64_t step = 0;
    for (size_t i = next; i < segments.size() && segments[i].from < to; ++i) {
      cover[segments[i].stage] +=
          std::min(to, segments[i].to) - std::max(from, segments[i].from);
      step = segments[i].step;
    }
    if (cover.empty()) continue;
    const auto most = std::max_element(
        cover.begin(), cover.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; });
    if (!thin.empty() && thin.back().stage == most->first && thin.back().to == from) {
      thin.back().to = to;
    } else {
      thin.push_back({from, to, most->first, step});
    }
  }
  return thin;
}

/// Percent by rank and column; -1 where nothing is known.
std::vector<std::vector<int>> busy_columns(const std::vector<RunStart>& starts,
                                           const Axis& axis, size_t ranks,
                                           size_t columns) {
  std::vector<std::vector<double>> sums(ranks, std::vector<double>(columns, 0));
  std::vector<double> covered(columns, 0);
  const double width = axis.length() / static_cast<double>(columns);
  for (size_t s = 0; s < starts.size(); ++s) {
    for (const BusySpan& span : starts[s].busy) {
      const double from = axis.at(s, span.from);
      const double to = axis.at(s, span.until);
      for (auto c = static_cast<size_t>(from / width); c < columns; ++c) {
        const double left = static_cast<double>(c) * width;
        const double part = std::min(to, left + width) - std::max(from, left);
        if (part <= 0) break;
        covered[c] += part;
        for (size_t r = 0; r < std::min(ranks, span.percent.size()); ++r)
          sums[r][c] += part * span.percent[r];
      }
    }
  }
  std::vector<std::vector<int>> busy(ranks, std::vector<int>(columns, -1));
  for (size_t r = 0; r < ranks; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      if (covered[c] > 0)
        busy[r][c] = static_cast<int>(std::lround(sums[r][c] / covered[c]));
    }
  }
  return busy;
}

}  // namespace

double RunStart::end() const {
  double latest = at;
  if (!stages.empty()) latest = std::max(latest, stages.back().at);
  if (!busy.empty()) latest = std::max(latest, busy.back().until);
  return latest;
}

std::vector<RunStart> read_activity(const std::filesystem::path& file, size_t* damaged) {
  std::vector<RunStart> starts;
  *damaged = 0;
  std::ifstream lines(file);
  std::string text;
  while (std::getline(lines, text)) {
    const json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
    bool is_read = false;
    try {
      is_read = line.is_object() && add_line(line, starts);
    } catch (const json::exception&) {
      is_read = false;  // a field is missing, or of another type
    }
    // The last one may be half written.
    if (!is_read && !lines.eof()) ++*damaged;
  }
  return starts;
}

std::string activity_line(const RunStart& head) {
  return json{{"activity", 1}, {"at", to_milliseconds(head.at)}, {"roles", head.roles}}
             .dump() +
         "\n";
}

std::string activity_line(const StageMark& mark) {
  return json{
             {"at", to_milliseconds(mark.at)}, {"stage", mark.stage}, {"step", mark.step}}
             .dump() +
         "\n";
}

std::string activity_line(const BusySpan& span) {
  return json{{"from", to_milliseconds(span.from)},
              {"until", to_milliseconds(span.until)},
              {"busy", span.percent}}
             .dump() +
         "\n";
}

json activity_json(const std::vector<RunStart>& starts) {
  const Axis axis(starts);
  if (starts.empty() || axis.length() <= 0) return nullptr;
  json stages = json::array();
  for (const Segment& segment : thinned(segments_of(starts, axis), axis.length())) {
    stages.push_back({{"name", segment.stage},
                      {"from", json_rounded(segment.from)},
                      {"to", json_rounded(segment.to)},
                      {"step", segment.step}});
  }
  const std::vector<std::string>& roles = starts.back().roles;
  const size_t ranks = std::min(roles.size(), kMostRows);
  json rows = json::array();
  const auto busy = busy_columns(starts, axis, ranks, kMostColumns);
  for (size_t r = 0; r < ranks; ++r)
    rows.push_back({{"rank", r}, {"role", roles[r]}, {"busy", busy[r]}});
  return {{"kind", "recorded"},           {"seconds", json_rounded(axis.length())},
          {"began", starts.front().at},   {"starts", axis.begins()},
          {"ranks_in_all", roles.size()}, {"stages", std::move(stages)},
          {"rows", std::move(rows)}};
}

}  // namespace srpo::analysis
