// Who did what when: the stages of a run and how busy its ranks were, as the scheduler's
// rank has written them down.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace srpo::analysis {

/// From `at` on the run was in this stage; "" for none.
struct StageMark {
  double at = 0;  ///< seconds since the Unix epoch
  std::string stage;
  int64_t step = 0;
};

/// Shares of an interval in which each rank had something to do, in percent.
struct BusySpan {
  double from = 0;  ///< seconds since the Unix epoch
  double until = 0;
  std::vector<uint8_t> percent;  ///< by rank
};

/// What one start of a run has left.
struct RunStart {
  double at = 0;                   ///< seconds since the Unix epoch
  std::vector<std::string> roles;  ///< by rank
  std::vector<StageMark> stages;   ///< in the order of time
  std::vector<BusySpan> busy;      ///< in the order of time

  double end() const;
};

/// The lines of `activity.jsonl`; lines that are none are passed over and counted in
/// `damaged`. No file: no starts.
std::vector<RunStart> read_activity(const std::filesystem::path& file, size_t* damaged);

/// One line of `activity.jsonl`, with its line feed.
std::string activity_line(const RunStart& head);
std::string activity_line(const StageMark& mark);
std::string activity_line(const BusySpan& span);

/// At most 240 columns, 64 rows and 800 stages; time between two starts is left out. null
/// when nothing is known.
nlohmann::json activity_json(const std::vector<RunStart>& starts);

}  // namespace srpo::analysis
