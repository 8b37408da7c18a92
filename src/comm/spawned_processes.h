// Processes that are started while the job runs, to replace ranks that were lost.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <mpi.h>

namespace srpo::comm {

/// Started by one rank alone; connected to it by an intercommunicator, which is never
/// freed. One thread only: the one that initialised MPI.
class SpawnedProcesses {
 public:
  /// Runs `count` processes of a program and waits until they have initialised MPI (a
  /// quarter of a second). Throws kPeerLost when MPI cannot start them.
  static SpawnedProcesses start(const std::string& program,
                                const std::vector<std::string>& arguments, int count);
  /// The processes that started this one: nothing for a process of mpirun.
  static std::optional<MPI_Comm> parent();

  MPI_Comm intercommunicator() const { return intercommunicator_; }
  int count() const { return count_; }

 private:
  SpawnedProcesses(MPI_Comm intercommunicator, int count)
      : intercommunicator_(intercommunicator), count_(count) {}

  MPI_Comm intercommunicator_;
  int count_;
};

}  // namespace srpo::comm
