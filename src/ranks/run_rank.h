// A run, from the job file to the exit code, on whatever rank this is.
#pragma once

#include <string>
#include <vector>

#include "comm/mpi_session.h"

namespace srpo::ranks {

struct RunOptions {
  std::string job_file;
  std::vector<std::string> assignments;  ///< `key=value`, laid over the job file
  bool plan_only = false;
  std::vector<std::string> arguments;  ///< of the program, for processes it starts
};

/// SIGUSR1 asks a run to drain. Until there is a run it waits; call before MPI starts, so
/// that it cannot end the program before that.
void hold_drain_signal();

/// Plays this rank's roles until the run is complete, stopped or broken. Returns the
/// process's exit code; says what went wrong in one sentence, on rank 0 only where the
/// input is at fault. A process that replaces a lost one plays what it is told to. A run
/// that has lost a rank, or stops early, leaves by session.leave_at_once().
int run_rank(const RunOptions& options, const comm::MpiSession& session);

}  // namespace srpo::ranks
