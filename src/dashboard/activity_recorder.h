// Writes down who did what when: RUN/activity.jsonl.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "analysis/activity.h"
#include "core/deadline.h"

namespace srpo::dashboard {

/// Counts the work that each rank has in hand; a rank that has some is busy. Intervals
/// grow with the run, so that a day takes some hundred lines beside those of its stages.
/// A disk that is full costs lines, never the run. One thread only.
class ActivityRecorder {
 public:
  /// An empty `file`: nothing is written, and all is counted.
  ActivityRecorder(const std::filesystem::path& file, std::vector<std::string> roles);

  void begin(int rank);
  void end(int rank);
  analysis::StageMark enter(const std::string& stage, int64_t step);
  /// Closes an interval when one is due: true, and `span` has it.
  bool turn(analysis::BusySpan& span);
  /// Closes the interval that is open.
  analysis::BusySpan flush();

  uint64_t in_hand(int rank) const;
  const std::string& stage() const { return stage_; }

 private:
  struct Rank {
    uint64_t in_hand = 0;
    double since = 0;  // when it became busy, or the interval began
    double busy = 0;   // seconds of the interval
  };
  double now() const;
  void write(const std::string& line);

  std::vector<std::string> roles_;
  std::ofstream file_;
  std::vector<Rank> ranks_;
  double start_;  // seconds since the Unix epoch
  core::Stopwatch watch_;
  double interval_began_;
  std::string stage_;
};

}  // namespace srpo::dashboard
