// The mpirun command for a program: which flags the MPI at hand needs, and what its end
// means for the job. Pure: no process is started here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace srpo::comm {

enum class MpiFamily { kOpenMpi4, kOpenMpi5, kOther };

struct MpiFlavor {
  MpiFamily family = MpiFamily::kOther;
  std::string name;  ///< `Open MPI 4.1.4`
  bool has_ulfm = false;
};

/// From what `mpirun --version` and `ompi_info --parsable` print.
MpiFlavor parse_mpi_flavor(const std::string& version_text, const std::string& info_text);

struct LaunchRequest {
  std::string mpirun = "mpirun";
  std::optional<int> ranks;          ///< nothing: as many as the allocation has places
  std::vector<std::string> program;  ///< with its arguments
  std::vector<std::string> mpi_arguments;  ///< the user's own, added last
  bool recovery = true;
  int cores = 1;
  bool is_root = false;
  bool is_allocation = false;  ///< of a batch system, perhaps of many hosts
};

struct LaunchPlan {
  std::vector<std::string> command;
  std::string program;                             ///< that the command starts
  std::map<std::string, std::string> environment;  ///< to be added
  std::string missing;  ///< what this MPI cannot do, in a sentence; empty if nothing
};

LaunchPlan plan_launch(const MpiFlavor& flavor, const LaunchRequest& request);

/// The command as a shell takes it, with its variables in front.
std::string to_shell(const LaunchPlan& plan);

/// How mpirun and the job ended, as far as it is known.
struct LaunchEnd {
  int mpirun_code = 0;  ///< 128 + signal if it was killed
  bool has_begun = false;
  std::optional<int> reported_code;  ///< by rank 0
  /// `state` of the status file; nothing if there is none or this start left it as it was
  std::optional<std::string> state;
};

/// 0 done, 64 bad input, 70 internal fault, 75 stopped early; any other code is the
/// program's own.
int job_exit_code(const LaunchEnd& end);

}  // namespace srpo::comm
