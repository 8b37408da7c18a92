// The lifetime of MPI in a process.
#pragma once

#include <string>

namespace srpo::comm {

/// MPI_Init_thread (FUNNELED) to MPI_Finalize. Make one, first thing in main, on the
/// thread that will own MPI. Errors of MPI calls come back as codes and are thrown as
/// kPeerLost by this folder.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);
  /// Finalizes; gives up after five seconds and ends the process with the code of
  /// `leave_with`.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  /// What the process will return: told to srpo_run by rank 0 (see launch_report.h), used
  /// if finalizing hangs.
  void leave_with(int exit_code) { exit_code_ = exit_code; }

  /// Ends this process without finalizing: where another one was lost that may hang.
  [[noreturn]] void leave_at_once(int exit_code) const;

  /// Ends all ranks at once: for a fault that leaves the others waiting.
  [[noreturn]] static void abort(int exit_code);

  /// `Open MPI v4.1.4`
  static std::string library_name();

 private:
  int exit_code_ = 0;
  bool leads_ = false;
};

/// Throws kPeerLost with MPI's own words unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* operation);

}  // namespace srpo::comm
