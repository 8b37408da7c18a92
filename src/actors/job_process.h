// One process of a job: everything between MPI and the runtime, and the way in for
// processes that replace lost ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "actors/control/control_options.h"
#include "actors/control/tcp_control.h"
#include "actors/runtime.h"
#include "actors/supervision/membership.h"
#include "actors/wire/mpi_transport.h"
#include "comm/communicator.h"
#include "comm/spawned_processes.h"

namespace srpo::actors {

struct JobOptions {
  int spares = 0;  ///< ranks, the last ones, that wait to take a lost one's place
  bool spawn_replacements = true;  ///< start a process when no spare is left, if MPI can
  RuntimeConfig runtime;           ///< num_slots follows from spares
  ControlOptions control;          ///< how deaths and hangs are noticed
  std::chrono::seconds start_timeout{60};  ///< for the constructors on a new process
  /// Of this program, for processes that replace lost ones.
  std::vector<std::string> arguments;
};

/// Make it after MpiSession, on the thread that owns MPI; it stays there.
class JobProcess {
 public:
  /// A process of mpirun; collective over the world, which must outlive it. Throws
  /// kBadInput when the spares leave no rank to work, and like start_control().
  JobProcess(comm::Communicator& world, const JobOptions& options);
  /// A process that was started to replace a lost one: slots, call limits and heartbeats
  /// are those of the job. Throws kTimeout when the job does not speak to it.
  JobProcess(MPI_Comm parent, const JobOptions& options);
  ~JobProcess();
  JobProcess(const JobProcess&) = delete;
  JobProcess& operator=(const JobProcess&) = delete;

  Runtime& runtime() { return *runtime_; }
  Membership& membership() { return *membership_; }

  /// Serves until the job has ended; the exit code of this process.
  int serve();
  /// Slot 0: ends the job everywhere, and waits until what was sent has gone out.
  void end(int exit_code, const std::string& reason);
  /// No process was lost and the end is not an early one: MPI can be finalized. Else
  /// leave by MpiSession::leave_at_once().
  bool is_whole() const;

 private:
  void assemble(RuntimeConfig config, const JobOptions& options);
  int spawn_replacement();

  RuntimeConfig runtime_config_;
  ControlOptions control_options_;
  std::vector<std::string> arguments_;
  std::unique_ptr<MpiTransport> transport_;
  std::unique_ptr<TcpControl> control_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Membership> membership_;
  bool is_replacement_ = false;
  bool has_lost_ = false;
};

}  // namespace srpo::actors
