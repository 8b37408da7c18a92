// What rank 0 tells the program that started mpirun: mpirun's own exit code says nothing
// once a rank may die.
#pragma once

#include <filesystem>
#include <optional>

namespace srpo::comm {

/// The environment variable that names the file; also what marks a process as started by
/// one srpo_run.
constexpr const char* kLaunchReportVariable = "SRPO_LAUNCH_REPORT";

struct LaunchReport {
  bool has_begun = false;
  std::optional<int> exit_code;
  std::filesystem::path status_file;  ///< a status.json; empty if there is none
};

// Rank 0. Without srpo_run nothing happens.
void report_begin();
void report_status_file(const std::filesystem::path& path);
/// The last one counts.
void report_exit_code(int exit_code);

/// Nothing for a file that is not there or has something else in it.
LaunchReport read_launch_report(const std::filesystem::path& path);

}  // namespace srpo::comm
