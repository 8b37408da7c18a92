// Starts mpirun, passes signals on, and sees to it that nothing is left when it ends.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "comm/launch_plan.h"

namespace srpo::comm {

struct LaunchOptions {
  std::filesystem::path status_file;  ///< of the job; empty: the program tells
  int restarts = 0;                   ///< when the job ends with 75
  /// Of ranks that outlive mpirun, and four seconds more of ranks that outlive rank 0's
  /// last word; then SIGKILL.
  std::chrono::seconds leave_within{6};
};

/// What is installed: runs `mpirun --version` and `ompi_info`. Throws kBadInput when
/// there is no such program.
MpiFlavor find_mpi_flavor(const std::string& mpirun);

/// Runs the plan to its end and returns the job's exit code. SIGTERM, SIGINT, SIGHUP and
/// SIGUSR1 (drain) go to mpirun; after one of them nothing is restarted. Ranks that
/// outlive mpirun are killed. Blocks those signals in this process; call it once, from
/// the only thread.
int launch(const LaunchPlan& plan, const LaunchOptions& options);

}  // namespace srpo::comm
