// A whole program on the actor runtime, for those who want no more of MPI than mpirun.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/control/control_options.h"
#include "actors/runtime.h"

namespace srpo::actors {

struct ProgramOptions {
  int spares = 0;  ///< ranks, the last ones, that wait to take a lost one's place
  bool spawn_replacements = true;  ///< start a process when no spare is left, if MPI can
  RuntimeConfig runtime;           ///< num_slots follows from spares
  ControlOptions control;          ///< how deaths and hangs are noticed
};

/// What rank 0 does; the other ranks serve their actors until it has ended. The returned
/// number is the exit code.
using ProgramMain = std::function<Task<int>(Runtime&, std::vector<std::string>)>;

/// Starts MPI, runs the program and returns the exit code: that of `main` on rank 0, 0 on
/// the others, 70 when `main` threw, 75 when the job had to end early. Errors are said in
/// one sentence on standard error. A job that has lost a process ends without
/// MPI_Finalize: this does not return then.
int run_program(int argc, char** argv, const ProgramOptions& options,
                const ProgramMain& main);

}  // namespace srpo::actors
